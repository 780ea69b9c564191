import KraitSignatures

/// Random questions of every kind, the same for the same seed.
struct QuestionGenerator: Sendable {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let adapters = ["ChatAdapter", "JSONAdapter", "XMLAdapter"]

    /// What a question's tally is called.
    static func title(_ question: PythonDict) -> String {
        guard let kind = ParityKind(ParityRow(question)) else { return "unknown" }
        guard kind == .adapter else { return kind.rawValue }
        return "\(question["adapter"]?.text ?? "").\(question["op"]?.text ?? "")"
    }

    mutating func next() -> PythonDict {
        switch random.below(20) {
        case 0...3: signature()
        case 4...7: format()
        case 8...11: parse()
        case 12...14: parseValue()
        case 15: formatValue()
        case 16, 17: repair()
        case 18: metrics()
        default: PythonDict([("name", .string(RandomTexts.identifier(&random)))])
        }
    }

    private mutating func signature() -> PythonDict {
        var text = RandomSignature(&random).text
        if random.once(in: 4) { text = RandomTexts.mutated(text, &random) }
        if random.once(in: 4) { text = RandomTexts.spliced(text, &random) }
        var question = PythonDict([("signature", .string(text))])
        // Instructions are asked about only where the signature is sound: else nothing is said.
        if random.once(in: 6), (try? Schema(parsing: text)) != nil {
            let given = "\n  " + RandomTexts.text(&random) + "\n    " + RandomTexts.text(&random)
            question["with_instructions"] = .list([
                .dict(PythonDict([("given", .string(given))]))
            ])
        }
        return question
    }

    private mutating func format() -> PythonDict {
        let signature = RandomSignature(&random)
        let all = signature.inputs + signature.outputs
        let demos = (0..<random.below(3)).map { _ in
            PythonValue.dict(RandomSignature.values(all, &random))
        }
        return PythonDict([
            ("op", .string("format")), ("adapter", .string(random.pick(Self.adapters))),
            ("signature", .string(signature.text)), ("demos", .list(demos)),
            ("inputs", .dict(RandomSignature.values(signature.inputs, &random))),
        ])
    }

    private mutating func parse() -> PythonDict {
        let signature = RandomSignature(&random)
        let adapter = random.pick(Self.adapters)
        let completion = RandomCompletion.text(adapter, signature, &random)
        return PythonDict([
            ("op", .string("parse")), ("adapter", .string(adapter)),
            ("signature", .string(signature.text)), ("completion", .string(completion)),
        ])
    }

    private mutating func parseValue() -> PythonDict {
        let type = RandomType(&random)
        let value =
            random.once(in: 4) ? RandomType(&random).value(&random) : type.value(&random)
        return PythonDict([
            ("type", .string(type.source(&random))),
            ("raw", .string(RandomCompletion.raw(value, &random))),
        ])
    }

    private mutating func formatValue() -> PythonDict {
        PythonDict([("value", Self.tagged(&random, depth: 0))])
    }

    /// Values with what JSON lacks, in their tags.
    private static func tagged(_ random: inout SeededRandom, depth: Int) -> PythonValue {
        guard random.once(in: 2), depth < 3 else {
            return RandomType.anything(&random, depth: depth)
        }
        let items = (0..<random.below(3)).map { _ in tagged(&random, depth: depth + 1) }
        switch random.below(5) {
        case 0: return tag("tuple", ("items", .list(items)))
        case 1:
            let numbers = (0..<random.below(3)).map { PythonValue.int(Int64($0)) }
            return tag("set", ("items", .list(numbers)))
        case 2:
            return tag("float", ("value", .string(random.pick(["nan", "inf", "-inf", "1e+16"]))))
        case 3:
            let pairs = items.enumerated().map { PythonValue.list([.int(Int64($0)), $1]) }
            return tag("dict", ("items", .list(pairs)))
        default: return .list(items)
        }
    }

    private static func tag(_ name: String, _ part: (String, PythonValue)) -> PythonValue {
        .dict(PythonDict([("$py", .string(name)), part]))
    }

    private mutating func repair() -> PythonDict {
        let value = RandomType.anything(&random, depth: 0)
        var text = RandomCompletion.raw(value, &random)
        if random.once(in: 4) { text = RandomTexts.mutated(text, &random) }
        if random.once(in: 2) { text = RandomTexts.broken(text, &random) }
        if random.once(in: 6) { text = RandomTexts.text(&random) + text }
        return PythonDict([("input", .string(text))])
    }

    private mutating func metrics() -> PythonDict {
        let gold = RandomTexts.text(&random)
        let golds = (0...random.below(3)).map { _ in
            PythonValue.string(RandomTexts.text(&random))
        }
        let near = random.once(in: 2) ? gold + " " + RandomTexts.text(&random, upTo: 2) : gold
        let prediction = random.once(in: 2) ? near : RandomTexts.text(&random, upTo: 10)
        let answers: PythonValue = random.once(in: 2) ? .string(gold) : .list(golds)
        return PythonDict([("gold", answers), ("pred", .string(prediction))])
    }
}
