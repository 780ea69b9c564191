import KraitSignatures

/// Finds the JSON object in a completion, as JSONAdapter does.
struct JSONCompletionParser {
    private let plan: PromptPlan

    init(_ plan: PromptPlan) { self.plan = plan }

    func parse(_ completion: String) throws(PromptError) -> PythonDict {
        var text = completion
        var value = try load(text)
        if value.dict == nil, let object = Self.firstObject(in: text) {
            text = object
            value = try load(text)
        }
        guard case .dict(let object) = value else {
            throw .unparsable(
                unparsable(text, reason: "LM response cannot be serialized to a JSON object.")
            )
        }
        var fields = PythonDict()
        for (key, value) in object.entries where place(of: key) != nil { fields[key] = value }
        for (key, value) in fields.entries {
            guard let place = place(of: key) else { continue }
            if plan.outputs[place].isText {
                fields[key] = .string(value.text)
                continue
            }
            let field = plan.outputs[place]
            do {
                fields[key] = try plan.parser.parse(value, as: field.type)
            } catch {
                let reason = try FoundFields.reason(error)
                throw .unparsable(
                    unparsable(
                        text,
                        reason: "Failed to parse field \(field.name): \(reason)",
                        field: field.name,
                        parsed: fields
                    )
                )
            }
        }
        return try complete(fields, text)
    }

    private func load(_ text: String) throws(PromptError) -> PythonValue {
        do {
            return try JSONRepair.loads(text)
        } catch {
            throw PromptError(error)
        }
    }

    private func place(of key: PythonValue) -> Int? {
        guard case .string(let name) = key else { return nil }
        return name.withUTF8Bytes { plan.output(named: $0) }
    }

    private func complete(_ found: PythonDict, _ text: String) throws(PromptError) -> PythonDict {
        var fields = PythonDict()
        for field in plan.outputs {
            if let value = found[field.name] ?? field.fallback { fields[field.name] = value }
        }
        guard fields.count == plan.outputs.count else {
            throw .unparsable(unparsable(text, parsed: fields))
        }
        return fields
    }

    private func unparsable(
        _ text: String,
        reason: String? = nil,
        field: String? = nil,
        parsed: PythonDict? = nil
    ) -> UnparsableCompletion {
        UnparsableCompletion(
            adapter: .json,
            reason: reason,
            field: field,
            completion: text,
            expected: plan.outputs.map(\.name),
            parsed: parsed
        )
    }

    /// The first part in braces that are balanced, wherever it begins.
    static func firstObject(in text: String) -> String? {
        text.withUTF8Bytes { bytes in
            var open: [Int] = []
            var first: Range<Int>?
            for place in bytes.indices {
                if bytes[place] == UInt8(ascii: "{") {
                    open.append(place)
                } else if bytes[place] == UInt8(ascii: "}"), let start = open.popLast() {
                    if first.map({ start < $0.lowerBound }) ?? true { first = start..<place + 1 }
                    // Nothing that is still open can begin before it.
                    if open.isEmpty { break }
                }
            }
            return first.map { range in
                String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
            }
        }
    }
}
