import KraitSignatures
import Testing

@Suite(.enabled(if: Corpus.isPresent, "no corpus beside the checkout"))
struct CorpusTests {
    struct Prefix: Decodable {
        var name: String
        var prefix: String
    }

    @Test func `prefixes are DSPy's`() throws {
        let rows = try Corpus.rows("prefix.jsonl", as: Prefix.self)
        #expect(!rows.isEmpty)
        for row in rows {
            let prefix = FieldPrefix.infer(from: row.name)
            #expect(prefix.unicodeScalars.elementsEqual(row.prefix.unicodeScalars), "\(row.name)")
        }
    }

    @Test(arguments: [("signatures.jsonl", 8), ("signatures_probe.jsonl", 18)])
    func `signatures are read as DSPy reads them`(file: String, mostDelegated: Int) throws {
        let rows = try Corpus.rows(file, as: SignatureRow.self)
        #expect(!rows.isEmpty)
        var outcomes: [Comparison: Int] = [:]
        var rules: [DelegationRule: Int] = [:]
        for row in rows {
            let comparison = compare(row.signature, with: row.answer)
            outcomes[comparison.kind, default: 0] += 1
            if case .delegated(let rule) = comparison { rules[rule, default: 0] += 1 }
            if case .differing(let why) = comparison { Issue.record("\(row): \(why)") }
        }
        print(
            file,
            "exact \(outcomes[.exact] ?? 0)",
            "delegated \(outcomes[.delegated(.module)] ?? 0)",
            "differing \(outcomes[.differing("")] ?? 0)",
            rules.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(
                separator: ", "
            )
        )
        #expect(outcomes[.delegated(.module)] ?? 0 <= mostDelegated)
    }

    @Test func `declared types are read as DSPy reads custom types`() throws {
        for row in try Corpus.rows("signatures.jsonl", as: SignatureRow.self) {
            guard let custom = row.withCustomTypes else { continue }
            let types = custom.names.map { TypeDeclaration($0, .known) }
            let comparison = compare(row.signature, with: custom.answer, types: types)
            if case .differing(let why) = comparison { Issue.record("\(row): \(why)") }
        }
    }

    @Test func `given instructions are cleaned as DSPy cleans them`() throws {
        for row in try Corpus.rows("signatures.jsonl", as: SignatureRow.self) {
            for given in row.withInstructions where given.ok {
                let schema = try Schema(parsing: row.signature, instructions: given.given)
                #expect(schema.instructions == given.instructions)
            }
        }
    }
}

/// How an answer of Krait's compares with DSPy's.
enum Comparison: Hashable {
    case exact
    case delegated(DelegationRule)
    case differing(String)

    /// The case alone, to count by.
    var kind: Comparison {
        switch self {
        case .exact: .exact
        case .delegated: .delegated(.module)
        case .differing: .differing("")
        }
    }
}

func compare(
    _ text: String,
    with answer: SignatureRow.Answer,
    types: [TypeDeclaration] = []
) -> Comparison {
    do {
        let schema = try Schema(parsing: text, types: types)
        if let rule = schema.delegationRules.first { return .delegated(rule) }
        guard answer.ok else { return .differing("accepted, DSPy: \(answer.error?.class ?? "")") }
        return difference(of: schema, from: answer).map(Comparison.differing) ?? .exact
    } catch {
        if let rule = error.rule { return .delegated(rule) }
        guard let failure = answer.error else { return .differing("refused: \(error)") }
        let name = error.exception?.rawValue
        return name == failure.class
            ? .exact : .differing("\(name ?? "") for \(failure.class): \(error)")
    }
}

private func difference(of schema: Schema, from answer: SignatureRow.Answer) -> String? {
    let fields = answer.fields ?? []
    guard schema.fields.count == fields.count else { return "\(schema.fields.count) fields" }
    for (index, (ours, theirs)) in zip(schema.fields, fields).enumerated() {
        let kind = index < schema.inputs.count ? "input" : "output"
        let rows = [
            ("name", ours.name, theirs.name), ("kind", kind, theirs.kind),
            ("type", ours.type.name, theirs.type), ("prefix", ours.prefix, theirs.prefix),
            ("desc", ours.description, theirs.desc),
            (
                "is_type_undefined", "\(ours.isTypeUndefined)",
                "\(theirs.isTypeUndefined ?? false)"
            ),
        ]
        for (what, ours, theirs) in rows where !ours.utf8.elementsEqual(theirs.utf8) {
            return "\(what) is \(ours), not \(theirs)"
        }
    }
    guard schema.instructions == answer.instructions else { return schema.instructions }
    guard schema.signature == answer.signatureStr else { return schema.signature }
    return nil
}
