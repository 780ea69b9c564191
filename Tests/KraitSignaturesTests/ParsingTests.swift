import KraitSignatures
import Testing

@Suite struct ParsingTests {
    @Test(arguments: [
        (
            "question, context: list[str] -> answer",
            "question: str, context: list[str] -> answer: str"
        ),
        ("-> b", " -> b: str"),
        ("->", " -> "),
        ("a: int,\n b\t: float, -> c:bool ,", "a: int, b: float -> c: bool"),
        ("a: int = 5, b=(1, 2) -> c = lambda x, *y: x", "a: int, b: str -> c: str"),
        ("a, /, b, *, c, **d -> e", "b: str -> e: str"),
        ("a, b, a: int -> c", "a: int, b: str -> c: str"),
        ("ﬁeld, Ⅳ -> é", "field: str, IV: str -> é: str"),
        (
            "match, case, type, _x0: None -> b".replacing("_x0", with: "x"),
            "match: str, case: str, type: str, x: str -> b: str"
        ),
        ("a # note\n, b -> c", "a: str, b: str -> c: str"),
        ("a: \\\n int -> b", "a: int -> b: str"),
    ])
    func `a side is a Python parameter list`(text: String, expected: String) throws {
        let schema = try Schema(parsing: text)
        func side(_ fields: [Field]) -> String {
            fields.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
        }
        #expect(side(schema.inputs) + " -> " + side(schema.outputs) == expected)
        #expect(schema.text == text)
    }

    @Test(arguments: [
        (
            "List[Dict[str, Union[int, Optional[List[str]]]]]",
            "list[dict[str, Union[int, list[str], NoneType]]]"
        ),
        ("tuple[int, ...]", "tuple[int, Ellipsis]"),
        ("tuple[()]", "tuple[]"),
        ("str | None", "Union[str, NoneType]"),
        ("None | int", "Union[NoneType, int]"),
        ("NoneType | int", "Union[int, NoneType]"),
        ("Union[int, int]", "int"),
        ("list[None]", "list[None]"),
        ("List[None]", "list[NoneType]"),
        ("list[List]", "list[list[]]"),
        ("Text", "str"),
        ("typing.Optional[typing.Any]", "Union[Any, NoneType]"),
        ("Annotated[int, 5]", "int"),
        ("Deque[int]", "deque[int]"),
        ("Type[int]", "type[int]"),
        ("Mapping[str, int]", "Mapping[str, int]"),
        ("dspy.Image | None", "Union[Image, NoneType]"),
        ("dspy.Reasoning", "str"),
        ("dspy.Code['java']", "Code_('java',)"),
        ("dspy.Code[\"it's\", 1, 'a\u{A0}b']", "Code_(\"it's\", 1, 'a\\xa0b')"),
        ("(int | (str | float))", "Union[int, str, float]"),
    ])
    func `types are named as DSPy names them`(text: String, name: String) throws {
        let type = try #require(try Schema(parsing: "a -> b: \(text)").outputs.first?.type)
        #expect(type.name == name)
        #expect(type.delegationRules.isEmpty)
        // What Krait writes itself reads back as the same type.
        let source = try #require(type.source)
        let again = try #require(try Schema(parsing: "a -> b: \(source)").outputs.first?.type)
        #expect(
            again.name.replacing("NoneType", with: "None")
                == name.replacing("NoneType", with: "None")
        )
    }

    @Test(arguments: [
        ("'x', \"y\", 'x'", "Literal['x', 'y']"),
        ("1, True, 1.0, None", "Literal[1, True, 1.0, None]"),
        ("0x1F, 0o17, 0b11, 1_000, 00", "Literal[31, 15, 3, 1000, 0]"),
        (
            "99999999999999999999, 0xffffffffffffffffffffffff",
            "Literal[99999999999999999999, 79228162514264337593543950335]"
        ),
        (
            "1e16, 1e-5, 0.0001, 123456.789, .5, 5., 1e999, 1E22",
            "Literal[1e+16, 1e-05, 0.0001, 123456.789, 0.5, 5.0, inf, 1e+22]"
        ),
        ("2j, 1.5J", "Literal[2j, 1.5j]"),
        ("'it\\'s', 'say \"hi\"', 'both\\'\"'", "Literal[\"it's\", 'say \"hi\"', 'both\\'\"']"),
        ("'\\x41\\u00e9\\U0001F600\\101\\q'", "Literal['Aé😀A\\q']"),
        ("'a' 'b', r'\\n', u'c', '''d\ne'''", "Literal['ab', '\\n', 'c', 'd\ne']"),
        ("b'x\\x00\\'', rb'\\n', b'\\xff\\t'", "Literal[b\"x\\x00'\", b'\\\\n', b'\\xff\\t']"),
        ("Literal['a'], Literal['b', 'a']", "Literal['a', 'b']"),
        ("'e\u{301}', '\u{E9}'", "Literal['e\u{301}', '\u{E9}']"),
        ("...", "Literal[Ellipsis]"),
    ])
    func `literals take all of Python's constants`(members: String, name: String) throws {
        let schema = try Schema(parsing: "a -> b: Literal[\(members)]")
        let type = try #require(schema.outputs.first?.type)
        #expect(type.name.unicodeScalars.elementsEqual(name.unicodeScalars), "\(type.name)")
        let source = try #require(type.source)
        #expect(try Schema(parsing: "a -> b: \(source)").outputs.first?.type == type)
    }

    @Test func `a union that was spelt before keeps its first spelling`() throws {
        let schema = try Schema(
            parsing:
                "a: int | str | None, b: list[int | str] -> c: str | int | None, d: list[str | int]"
        )
        #expect(
            schema.fields.map(\.type.name) == [
                "Union[int, str, NoneType]", "list[Union[int, str]]", "Union[int, str, NoneType]",
                "list[Union[str, int]]",
            ]
        )
    }

    @Test(arguments: [
        ("a: datetime.datetime -> b", DelegationRule.module),
        ("a: BaseModel -> b", .callerFrame),
        ("a: dspy.Predict -> b", .dspyName),
        ("a: Self -> b", .typingName),
        ("a: Callable[..., int] -> b", .typingName),
        ("a: _Private -> b", .privateName),
        ("a: list['Later'] -> b", .forwardReference),
        ("a: list[int, 5] -> b", .typeArguments),
        ("a: Literal[int] -> b", .metadata),
        ("a: list[Field(alias='x')] -> b", .fieldCall),
    ])
    func `what only Python can resolve is kept and not guessed`(text: String, rule: DelegationRule)
        throws
    {
        let schema = try Schema(parsing: text)
        #expect(schema.delegationRules == [rule])
        guard case .delegated(let type) = schema.inputs[0].type else {
            Issue.record("not delegated")
            return
        }
        #expect("a: \(type.text) -> b" == text)
    }

    @Test(arguments: [
        ("a: f'{x}' -> b", DelegationRule.formattedString),
        ("a: Literal['\\N{BULLET}'] -> b", .namedCharacter),
        ("a: Literal['\\ud800'] -> b", .surrogate),
        ("a): pass\ndef g(b -> c", .beyondFields),
        ("a: x\(String(repeating: ".x", count: 400)) -> b", .depth),
        ("__doc__ -> b", .specialName),
        ("a: typing.Any, b: NoneType -> c", .callerFrame),
        ("a: Self, b: Foo -> c", .typingName),
        ("a: list['x'], b: bytearray -> c", .forwardReference),
    ])
    func `a text that only Python can judge says so by its rule`(text: String, rule: DelegationRule)
    {
        let error = #expect(throws: SchemaError.self) { try Schema(parsing: text) }
        #expect(error?.rule == rule)
        #expect(error?.exception == nil)
    }

    @Test func `each rule explains itself and is in the list once`() {
        #expect(Set(DelegationRule.all).count == DelegationRule.all.count)
        for rule in DelegationRule.all { #expect(rule.explanation != rule.rawValue) }
        #expect(DelegationRule(rawValue: "later").explanation == "later")
    }

    @Test func `declared names come first and hide no builtin by accident`() throws {
        let person = TypeDeclaration.model("Person", [.init("name", type: "str")])
        let schema = try Schema(parsing: "a: list[Person] -> b: Person | None", types: [person])
        #expect(schema.inputs[0].type == .list(of: .declared("Person")))
        #expect(schema.outputs[0].type.name == "Union[Person, NoneType]")
        #expect(schema.outputs[0].type.allowsNone)
        // DSPy forgets this name as soon as types are declared.
        #expect(throws: SchemaError.self) {
            try Schema(parsing: "a: NoneType -> b", types: [person])
        }
    }

    @Test(
        arguments: [
            (nil, "Given the fields `a`, `b`, produce the fields `c`."),
            ("", "Given the fields `a`, `b`, produce the fields `c`."),
            (" ", ""),
            ("\n\n  first\n    second\n", "first\n  second"),
            ("  a\n\tb\n\t  c\n\n", "a\nb\n  c"),
            ("\ta\tb", "a       b"),
            (" \u{A0}x\n\u{A0} y\n   z", "x\ny\n z"),
            ("a\n\n  b\n c  \n", "a\n\n b\nc  "),
            ("\n \n", " "),
        ] as [(String?, String)]
    )
    func `instructions are cleaned as Python cleans documentation`(given: String?, expected: String)
        throws
    {
        let schema = try Schema(parsing: "a, b -> c", instructions: given)
        #expect(schema.instructions == expected)
    }

    @Test(arguments: [
        ("HTMLParser", "HTML Parser"), ("text2number", "Text 2 Number"), ("_a", " A"),
        ("iPhoneX", "I Phone X"), ("ßtest", "Sstest"), ("été2Hiver", "Été2 Hiver"),
        ("x٣y", "X ٣ Y"), ("oΔΟΣ", "Oδος"), ("ǆab", "ǅab"), ("a__b", "A  B"), ("", ""),
    ])
    func `prefixes are inferred from names`(name: String, prefix: String) {
        #expect(FieldPrefix.infer(from: name) == prefix)
    }

    @Test func `long lists and long names stay linear`() throws {
        let names = (0..<10_000).map { "field\($0)" }
        let schema = try Schema(parsing: names.joined(separator: ", ") + " -> answer")
        #expect(schema.inputs.count == 10_000)
        #expect(schema.inputs.last?.name == "field9999")
        let name = String(repeating: "a", count: 1_000_000)
        #expect(try Schema(parsing: "\(name) -> b").inputs[0].name == name)
    }
}
