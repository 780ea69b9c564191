import KraitSignatures

/// Finds the sections of a completion, as ChatAdapter does.
///
/// A header counts where a line begins with it, behind white space too; of a field that comes twice
/// the first section counts, and what stands in no section of an output is ignored.
struct ChatParser {
    private let plan: PromptPlan

    init(_ plan: PromptPlan) { self.plan = plan }

    func parse(_ completion: String) throws(PromptError) -> PythonDict {
        var found = FoundFields(plan, completion)
        try completion.withUTF8Bytes { bytes throws(PromptError) in
            var scanner = SectionScanner(bytes)
            while let section = scanner.next() {
                let name = UnsafeBufferPointer(rebasing: bytes[section.name])
                guard let index = plan.output(named: name), !found.has(index) else { continue }
                try found.take(section.text(in: bytes), at: index)
            }
        }
        return try found.complete()
    }
}

/// The outputs that were found so far.
struct FoundFields {
    private let plan: PromptPlan
    private let completion: String
    private var values: [PythonValue?]

    init(_ plan: PromptPlan, _ completion: String) {
        self.plan = plan
        self.completion = completion
        values = Array(repeating: nil, count: plan.outputs.count)
    }

    func has(_ index: Int) -> Bool { values[index] != nil }

    /// Parses the text of a section.
    mutating func take(_ text: String, at index: Int) throws(PromptError) {
        let field = plan.outputs[index]
        if field.isText {
            values[index] = .string(text)
            return
        }
        do {
            values[index] = try plan.parser.parse(.string(text), as: field.type)
        } catch {
            let reason = try Self.reason(error)
            throw .unparsable(
                UnparsableCompletion(
                    adapter: .chat,
                    reason: "Failed to parse field \(field.name) with value \(text) "
                        + "from the LM response. Error message: \(reason)",
                    field: field.name,
                    completion: completion,
                    expected: plan.outputs.map(\.name)
                )
            )
        }
    }

    /// The text of a `ValueError`; DSPy lets every other exception through.
    static func reason(_ failure: ValueFailure) throws(PromptError) -> String {
        switch failure {
        case .delegated(let rule): throw .delegated(rule)
        case .raised(let exception):
            guard isValueError(exception.className) else { throw .raised(exception) }
            return exception.message
        }
    }

    private static func isValueError(_ name: String) -> Bool {
        switch name {
        case "ValueError", "ValidationError", "JSONDecodeError", "UnicodeDecodeError",
            "UnicodeEncodeError":
            true
        default: false
        }
    }

    /// The fields in the signature's order, with what stands for missing ones.
    func complete() throws(PromptError) -> PythonDict {
        var entries: [(PythonValue, PythonValue)] = []
        entries.reserveCapacity(values.count)
        for index in values.indices {
            let field = plan.outputs[index]
            if let value = values[index] ?? field.fallback {
                entries.append((.string(field.name), value))
            }
        }
        let fields = PythonDict(uniqueEntries: entries)
        guard entries.count == values.count else {
            throw .unparsable(
                UnparsableCompletion(
                    adapter: .chat,
                    completion: completion,
                    expected: plan.outputs.map(\.name),
                    parsed: fields
                )
            )
        }
        return fields
    }
}
