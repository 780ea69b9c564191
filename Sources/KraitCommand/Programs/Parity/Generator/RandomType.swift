import KraitSignatures

/// A type that a signature can name, so that values of it can be made.
indirect enum RandomType: Sendable {
    case text
    case integer
    case number
    case flag
    case any
    case bytes
    case nothing
    case list(RandomType)
    case set(RandomType)
    case dict(RandomType, RandomType)
    case tuple([RandomType])
    case union([RandomType])
    case literal([PythonValue])
    /// A bare class such as `list`.
    case bare(String)

    init(_ random: inout SeededRandom, depth: Int = 0) {
        let bound = depth > 2 ? 8 : 16
        switch random.below(bound) {
        case 0, 1: self = .text
        case 2: self = .integer
        case 3: self = .number
        case 4: self = .flag
        case 5: self = random.once(in: 3) ? .bytes : .any
        case 6: self = .literal(Self.members(&random))
        case 7: self = .bare(random.pick(random.once(in: 4) ? Self.rareNames : Self.bareNames))
        case 8, 9: self = .list(RandomType(&random, depth: depth + 1))
        case 10: self = .dict(.text, RandomType(&random, depth: depth + 1))
        case 11: self = .union([RandomType(&random, depth: depth + 1), .nothing])
        case 12:
            self = .union(
                (0...1 + random.below(2)).map { _ in RandomType(&random, depth: depth + 1) }
            )
        case 13:
            self = .tuple((0...random.below(3)).map { _ in RandomType(&random, depth: depth + 1) })
        case 14: self = .set(random.pick([.text, .integer]))
        default:
            let key = random.pick([RandomType.integer, .text, .literal(Self.members(&random))])
            self = .dict(key, RandomType(&random, depth: depth + 1))
        }
    }

    private static let bareNames = [
        "list", "dict", "tuple", "set", "frozenset", "float", "Text", "dspy.Code", "list[None]",
        "dspy.Reasoning", "tuple[()]", "None", "bytearray", "complex", "str | None | str",
    ]

    /// What most of DSPy or pydantic refuses, or treats in its own way.
    private static let rareNames = [
        "List", "Dict", "Tuple", "object", "Sequence[int]", "Iterable[str]", "Mapping[str, int]",
        "Sequence", "Optional", "Annotated[int, 'x']", "Annotated[list[int], 1]", "Deque[int]",
        "dspy.History", "dspy.ToolCalls", "dspy.Image", "Hashable", "Collection[float]", "NoneType",
        "DefaultDict[str, int]", "OrderedDict[str, int]", "Type[int]", "Callable[[int], str]",
        "AbstractSet[str]", "Tuple[()]", "Literal[b'x']", "Literal[1.5]", "Union[int]", "Never",
        "Optional[None]", "\"int\"", "Counter[str]", "LiteralString", "Self", "ClassVar[int]",
    ]

    private static func members(_ random: inout SeededRandom) -> [PythonValue] {
        let all: [PythonValue] = [
            .string("low"), .string("high"), .string("it's"), .string("yes"), .string("1"),
            .string("é"), .string("two words"), .int(1), .int(2), .bool(true), .none, .int(0),
        ]
        return (0...random.below(3)).map { _ in random.pick(all) }
    }

    /// The type as a signature spells it, in one of the ways there are.
    func source(_ random: inout SeededRandom) -> String {
        switch self {
        case .text: "str"
        case .integer: "int"
        case .number: "float"
        case .flag: "bool"
        case .any: "Any"
        case .bytes: "bytes"
        case .nothing: "None"
        case .bare(let name): name
        case .list(let item): random.pick(["list", "List"]) + "[\(item.source(&random))]"
        case .set(let item): random.pick(["set", "Set", "frozenset"]) + "[\(item.source(&random))]"
        case .dict(let key, let value):
            random.pick(["dict", "Dict"]) + "[\(key.source(&random)), \(value.source(&random))]"
        case .tuple(let items):
            random.pick(["tuple", "Tuple"]) + "["
                + items.map { $0.source(&random) }.joined(separator: ", ")
                + (items.count == 1 && random.once(in: 2) ? ", ..." : "") + "]"
        case .literal(let values):
            "Literal[" + values.map(\.representation).joined(separator: ", ") + "]"
        case .union(let members):
            unionSource(members.map { $0.source(&random) }, &random)
        }
    }

    private func unionSource(_ members: [String], _ random: inout SeededRandom) -> String {
        if members.count == 2, members[1] == "None", random.once(in: 2) {
            return "Optional[\(members[0])]"
        }
        return random.once(in: 2)
            ? "Union[\(members.joined(separator: ", "))]"
            : members.joined(separator: random.pick([" | ", "|"]))
    }

    /// A value of the type, or now and then of another.
    func value(_ random: inout SeededRandom, depth: Int = 0) -> PythonValue {
        if random.once(in: 25), depth < 3 {
            return RandomType(&random, depth: 2).value(&random, depth: 3)
        }
        switch self {
        case .text: return .string(RandomTexts.text(&random))
        case .integer: return random.pick([.int(0), .int(-7), .int(42), .int(1 << 40)])
        case .number:
            return random.pick([
                .float(0), .float(1.5), .float(-2), .float(1e16), .float(1e-5), .float(0.1),
                .int(3),
            ])
        case .flag: return .bool(random.once(in: 2))
        case .any, .bare: return Self.anything(&random, depth: depth)
        case .bytes: return .string("bytes")
        case .nothing: return .none
        case .list(let item), .set(let item):
            return .list((0..<random.below(4)).map { _ in item.value(&random, depth: depth + 1) })
        case .dict(let key, let value):
            var dict = PythonDict()
            for _ in 0..<random.below(4) {
                let name = key.value(&random, depth: 3)
                dict[.string(name.text)] = value.value(&random, depth: depth + 1)
            }
            return .dict(dict)
        case .tuple(let items): return .list(items.map { $0.value(&random, depth: depth + 1) })
        case .union(let members): return random.pick(members).value(&random, depth: depth)
        case .literal(let values): return random.pick(values)
        }
    }

    /// Any value that JSON has.
    static func anything(_ random: inout SeededRandom, depth: Int) -> PythonValue {
        switch random.below(depth > 2 ? 6 : 8) {
        case 0: return .none
        case 1: return .bool(random.once(in: 2))
        case 2: return .int(Int64(random.below(2_000)) - 1_000)
        case 3: return .float(Double(random.below(10_000)) / 8)
        case 4, 5: return .string(RandomTexts.text(&random))
        case 6:
            return .list((0..<random.below(4)).map { _ in anything(&random, depth: depth + 1) })
        default:
            var dict = PythonDict()
            for _ in 0..<random.below(4) {
                dict[RandomTexts.text(&random, upTo: 2)] = anything(&random, depth: depth + 1)
            }
            return .dict(dict)
        }
    }
}
