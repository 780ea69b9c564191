import KraitSignatures

/// A recorded call of `Adapter.format` or `Adapter.parse`, and DSPy's answer.
///
/// The one place that reads rows of `adapter.jsonl`, `adapter_derived_format.jsonl` and
/// `adapter_derived_parse.jsonl`, asks Krait the same and compares: messages and fields exactly,
/// errors by their class and field; texts of pydantic's and expat's are not compared.
package struct AdapterRow: Sendable {
    private let row: PythonDict
    private let adapter: PromptAdapter

    /// Reads a line; nil where it is no row of an adapter.
    package init?(_ line: String) {
        guard let row = (try? JSONText.read(line))?.dict else { return nil }
        self.init(row)
    }

    /// Takes a row that was read; nil where it is no row of an adapter.
    package init?(_ row: PythonDict) {
        guard let kind = row["adapter"]?.string.flatMap(AdapterKind.init(rawValue:)),
            row["op"]?.string == "format" || row["op"]?.string == "parse", row["expect"] != nil
        else { return nil }
        self.row = row
        var isNative: Bool?
        if case .bool(let flag)? = row["config"]?.dict?["use_native_function_calling"] {
            isNative = flag
        }
        adapter = PromptAdapter(kind, usesNativeFunctionCalling: isNative)
    }

    /// What the row is about, in a line.
    package var title: String {
        let signature = row["signature"]
        let text =
            signature?.string ?? signature?.dict?["string"]?.string
            ?? signature?.dict?["name"]?.string ?? ""
        let id = row["id"]?.string.map { $0 + " " } ?? ""
        return "\(id)\(adapter.kind.rawValue).\(row["op"]?.text ?? "") \(text)"
    }

    /// Asks Krait and compares.
    package var outcome: RowOutcome {
        do {
            let schema = try RecordedSignature.schema(row["signature"] ?? .none)
            // A signature that Python may refuse has no messages there.
            if row["signature"]?.string != nil, let rule = schema.delegationRules.first {
                return .delegated(rule)
            }
            return row["op"]?.string == "format"
                ? try compareFormat(schema) : try compareParse(schema)
        } catch {
            return compare(error)
        }
    }

    private var expected: PythonDict { row["expect"]?.dict ?? PythonDict() }

    // MARK: - Messages

    private func compareFormat(_ schema: Schema) throws(PromptError) -> RowOutcome {
        var demos: [PythonDict] = []
        for demo in row["demos"]?.list ?? [] { demos.append(try values(demo)) }
        let messages = try adapter.format(schema, demos: demos, inputs: values(row["inputs"]))
        guard let recorded = expected["messages"]?.list else {
            return .failed("messages where DSPy raises \(errorClass ?? "")")
        }
        for (index, (ours, theirs)) in zip(messages, recorded).enumerated()
        where !ours.value.isIdentical(to: theirs) {
            return .failed("message \(index)\n" + difference(ours.value, theirs))
        }
        guard messages.count == recorded.count else {
            return .failed("\(messages.count) messages, DSPy makes \(recorded.count)")
        }
        return .passed
    }

    private func values(_ recorded: PythonValue?) throws(PromptError) -> PythonDict {
        guard let recorded, case .dict(let values)? = PythonValue(tagged: recorded) else {
            throw .delegated(.coercion)
        }
        return values
    }

    /// Both from shortly before the first place where they differ.
    private func difference(_ ours: PythonValue, _ theirs: PythonValue) -> String {
        let left = Array(ours.representation.unicodeScalars)
        let right = Array(theirs.representation.unicodeScalars)
        let same = zip(left, right).prefix { $0 == $1 }.count
        func part(_ scalars: [Unicode.Scalar]) -> String {
            let from = max(0, same - 40)
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[min(from, scalars.count)...].prefix(160))
            return String(text)
        }
        return "  krait: \(part(left))\n  dspy:  \(part(right))"
    }

    // MARK: - Fields

    private func compareParse(_ schema: Schema) throws(PromptError) -> RowOutcome {
        let fields = try adapter.parse(schema, row["completion"]?.string ?? "")
        guard let recorded = expected["fields"] else {
            return .failed("fields where DSPy raises \(errorClass ?? "")")
        }
        let theirs = try values(recorded)
        for (name, value) in fields.entries {
            guard let other = theirs[name] else { return .failed("\(name.text) is not in DSPy's") }
            guard value.isIdentical(to: other) else {
                return .failed("\(name.text)\n" + difference(value, other))
            }
            let type = expected["types"]?.dict?[name]?.string
            guard type.map({ $0.isSame(value.typeName) }) ?? true else {
                return .failed("\(name.text) is a \(value.typeName), not a \(type ?? "")")
            }
        }
        guard fields.count == theirs.count else {
            return .failed("\(fields.count) fields, DSPy finds \(theirs.count)")
        }
        return .passed
    }

    // MARK: - Errors

    private var errorClass: String? { expected["error"]?.dict?["class"]?.string }

    private func compare(_ error: PromptError) -> RowOutcome {
        switch error {
        case .delegated(let rule): return .delegated(rule)
        case .ambiguous(let field), .uncarried(let field):
            return .failed("refused the field \(field)")
        case .raised(let exception):
            if errorClass == exception.className { return .passed }
            return .failed(
                "raises \(exception.className): \(exception.message)\n  dspy:  "
                    + (errorClass ?? "no error")
            )
        case .unparsable(let completion): return compare(completion)
        }
    }

    private func compare(_ error: UnparsableCompletion) -> RowOutcome {
        guard errorClass == "AdapterParseError" else {
            return .failed("unparsable: \(error.message)\n  dspy:  \(errorClass ?? "no error")")
        }
        if let recorded = expected["parsed_result"] {
            let theirs = PythonValue(tagged: recorded) ?? .none
            let ours = error.parsed.map(PythonValue.dict) ?? .none
            guard ours.isIdentical(to: theirs) else {
                return .failed("parsed so far\n" + difference(ours, theirs))
            }
        }
        guard let message = expected["error"]?.dict?["message"]?.string else { return .passed }
        if message.isSame(error.message) { return .passed }
        return isSameButForeign(error, message)
            ? .passed : .failed("message\n" + difference(.string(error.message), .string(message)))
    }

    /// Whether only what pydantic or expat say is different.
    private func isSameButForeign(_ error: UnparsableCompletion, _ message: String) -> Bool {
        guard let reason = error.reason, reason.hasPrefix("Failed to parse") else { return false }
        let rest = error.message.utf8.dropFirst(reason.utf8.count)
        guard message.utf8.count >= rest.count,
            message.utf8.suffix(rest.count).elementsEqual(rest)
        else { return false }
        guard let field = error.field else { return message.hasPrefix("Failed to parse XML: ") }
        // XMLAdapter prints the field's definition, which has its name as a placeholder.
        return error.adapter == .xml
            ? message.hasPrefix("Failed to parse field ")
            : message.hasPrefix("Failed to parse field \(field)")
    }
}
