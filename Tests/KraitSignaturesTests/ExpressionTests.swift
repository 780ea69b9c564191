import KraitSignatures
import Testing

/// Defaults are checked and ignored, so they show what the parser takes; each row is CPython 3.11's
/// answer.
@Suite struct ExpressionTests {
    @Test(arguments: [
        "x if y else z", "lambda: 3", "lambda x, /, *y, z=1, **k: x", "not x", "x is not y",
        "x not in y", "x < y < z", "x or y and not z", "2**-3", "-+~x", "x@y//z%w", "x<<1>>2&3^4|5",
        "await x", "x[1:2]", "x[::2, ...]", "x[*y]", "x[y:=3]", "x[()]", "(x:=3)", "(yield)",
        "(yield x, *y)", "(yield from x)", "()", "(x,)", "(*x,)", "(*x, y)", "(x for x in y)",
        "[]", "[*x, y]", "[x for x, *y in z if w if v for u in t]", "[x async for x in y]",
        "{}", "{x}", "{*x, y}", "{x: y, **z}", "{**x}", "{x: y for x in z}", "{x for x in y}",
        "f()", "f(x for x in y)", "f(*a, b=1, **c)", "f(a=1, *b)", "f(**b, c=1)", "f(x := 1)",
        "x.y[1](2).z", "5 .real", "1..real", "1if x else 2", "0b1or 2", "1_000.5e1_0", "0XfF",
        "'a' 'b'", "rb'x'", "u'x'", "'''x\ny'''", "'\\\n'", "'\\400'", "[x for x.y in z]",
        "[x for (a, b) in z]", "[x for [a, b] in z]", "lambda *, x: x", "(x\n)", "None.x",
    ])
    func `a default is any expression of Python's`(expression: String) throws {
        #expect(try Schema(parsing: "a = \(expression), *b -> c").signature == "a -> c")
    }

    @Test(arguments: [
        "", "x if y", "lambda *: x", "lambda x=1, y: x", "lambda (x): y", "lambda **k, x: x",
        "x not y", "x <> y", "x ! y", "x += 1", "x := 3", "x[]", "x[,]", "x[1", "(*x)", "(x",
        "(a=1)",
        "x for x in y", "[x, y for z in w]", "[*x for x in y]", "[x for x+1 in y]", "[x for x]",
        "{x: y, z}", "{x, y: z}", "{**x for x in y}", "{x:=1: y}", "{x", "f(c=1, d)", "f(**b, *c)",
        "f(1=2)", "f(a.b=2)", "f((a)=2)", "f(True=2)", "f(x for x in y, 1)", "f(1, x for x in y)",
        "x.class", "x.", "class", "yield", "await", "async", "`x`", "x?", "$", "x y", "'a' b'c'",
        "ur'x'", "b'é'", "'x\ny'", "'''x", "'\\xZZ'", "'\\u12'", "'\\U00110000'", "01", "1__0",
        "1_",
        "0x", "0xg", "0b12", "0o8", "1e", "1e+", "1.2.3", "5a", "1ja", "0x1and", "\\ x", "x # y",
        "*x", "**x", "|x", "x|", "x||y", "\u{A0}x", "(x := 1) := 2", "((x)) := 2", "x[1 2]",
        "(yield x", "[yield]", "f(x y)", "lambda x", "lambda x, x y: z", "{1: }",
    ])
    func `what Python's parser refuses is refused`(expression: String) throws {
        let error = try #require(throws: SchemaError.self) {
            try Schema(parsing: "a = \(expression), *b -> c")
        }
        #expect(error.exception == .syntaxError, "\(error)")
    }

    @Test(arguments: [
        "*", "*,", "*, **k", "*a, *b", "/", "a, /, b, /", "a, *, /", "*a = 1", "**k = 1", "**k, a",
        "**k, *a", "a: *x", "*: int", "(a)", "1", "a: b c", "= 1", ": int", "a; b", ", a", "a.b",
        "**",
    ])
    func `parameters come in Python's order`(side: String) throws {
        let error = try #require(throws: SchemaError.self) { try Schema(parsing: "\(side) -> z") }
        #expect(error.exception == .syntaxError, "\(error)")
    }

    @Test(arguments: [
        ("*args: *x, b", ""), ("*, a, **k", ""), ("a, *b: int, c = 1", "a"),
        ("a, /, b = 1, *c", "b"),
        ("a: int,", "a"), ("**k,", ""), ("a, /", ""), ("\u{0C} a \\\r\n , b", "a, b"),
        (" \t\n", ""),
    ])
    func `only parameters that can be given by position and name are fields`(
        side: String,
        fields: String
    ) throws {
        #expect(try Schema(parsing: "\(side) -> z").signature == "\(fields) -> z")
    }

    @Test(arguments: [
        ("int[str]", "TypeError"), ("Any[int]", "TypeError"), ("None[int]", "TypeError"),
        ("'x'[0]", "TypeError"), ("Literal['x'][0]", "TypeError"), ("List[int][str]", "TypeError"),
        ("Union[int, str][int]", "TypeError"), ("dspy.Image[int]", "TypeError"),
        ("os[int]", "TypeError"), ("Union[()]", "TypeError"), ("Dict[str]", "TypeError"),
        ("Set[()]", "TypeError"), ("Annotated[int]", "TypeError"),
        ("(int, str) | None", "TypeError"),
        ("Optional[Literal]", "TypeError"), ("List[Optional]", "TypeError"),
        ("(int,)", "ValueError"),
        ("...", "ValueError"), ("5", "ValueError"), ("Union[5]", "ValueError"), ("T", "ValueError"),
        ("Field(gt=3)", "ValueError"), ("list.append", "ValueError"), ("Any.x", "ValueError"),
        ("tuple[...]", "ValueError"), ("Tuple[int, str, ...]", "ValueError"),
        ("1 + 2", "ValueError"),
        ("{int}", "ValueError"), ("int(3)", "ValueError"), ("x if y else z", "ValueError"),
        ("list[5]", "PydanticSchemaGenerationError"),
        ("tuple[(), int]", "PydanticSchemaGenerationError"),
        ("list[Union]", "PydanticSchemaGenerationError"),
        ("int | 5", "PydanticSchemaGenerationError"),
        ("Iterator[int]", "PydanticSchemaGenerationError"),
        ("Never", "PydanticSchemaGenerationError"),
        ("list[Collection]", "PydanticSchemaGenerationError"),
        ("tuple[int, ..., str]", "PydanticSchemaGenerationError"),
        ("list[Annotated[bytearray, 5]]", "PydanticSchemaGenerationError"),
        ("bytearray | None", "PydanticSchemaGenerationError"),
    ])
    func `types that DSPy or pydantic refuses are refused as theirs`(type: String, name: String)
        throws
    {
        let error = try #require(throws: SchemaError.self) {
            try Schema(parsing: "a -> b: \(type)")
        }
        #expect(error.exception?.rawValue == name, "\(error)")
    }
}
