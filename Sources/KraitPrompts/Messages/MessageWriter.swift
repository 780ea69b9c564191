import KraitSignatures

/// Writes values into messages.
struct MessageWriter {
    let plan: PromptPlan
    let adapter: PromptAdapter
    let texts: PromptPlan.Texts

    private static let incomplete =
        "This is an example of the task, though some input or output fields are not supplied."

    // MARK: - What the user says

    /// The inputs that are there, perhaps behind a sentence and before the reminder.
    func user(
        _ values: PythonDict,
        skipping skipped: Int? = nil,
        behind sentence: String? = nil,
        isRequest: Bool = false
    ) throws(PromptError) -> String {
        var text = ""
        text.reserveCapacity(
            64 * (plan.inputs.count + 1) + (isRequest ? texts.reminder.utf8.count : 0)
        )
        if let sentence { text += sentence }
        for index in plan.inputs.indices where index != skipped {
            let field = plan.inputs[index]
            guard let value = values[field.name] else { continue }
            if !text.isEmpty { text += "\n\n" }
            try append(value, of: field, isOutput: false, to: &text)
        }
        if isRequest {
            if !text.isEmpty { text += "\n\n" }
            text += texts.reminder
        }
        return text.stripped
    }

    /// A user's message, with images, files and the like as parts.
    func message(_ text: String) throws(PromptError) -> Message {
        Message(.user, try ContentParts.split(text))
    }

    private func append(
        _ value: PythonValue,
        of field: PromptPlan.FieldPlan,
        isOutput: Bool,
        to text: inout String
    ) throws(PromptError) {
        if field.isNested, isOutput, let nested = try nested(value, field) {
            text += nested
            return
        }
        text += field.opening
        if case .string(let content) = value {
            try check(content, of: field)
            text +=
                isOutput && adapter.kind == .xml && field.isText
                ? XMLEscape.text(content) : content
        } else {
            let content = try formatted(value, field)
            try check(content, of: field)
            text +=
                isOutput && adapter.kind == .xml && field.isText
                ? XMLEscape.text(content) : content
        }
        text += field.closing
    }

    private func nested(_ value: PythonValue, _ field: PromptPlan.FieldPlan) throws(PromptError)
        -> String?
    {
        let plain = PromptValue.serialized(value)
        switch plain {
        case .list, .dict: return try XMLElements.write(plain, tag: field.name)
        default: return nil
        }
    }

    private func formatted(_ value: PythonValue, _ field: PromptPlan.FieldPlan)
        throws(PromptError) -> String
    {
        do {
            return try PromptValue.format(value, isTextField: field.isText)
        } catch {
            throw PromptError(error)
        }
    }

    private func check(_ content: String, of field: PromptPlan.FieldPlan) throws(PromptError) {
        guard adapter.isStrict, Ambiguity.isFound(in: content, for: adapter.kind) else { return }
        throw .ambiguous(field: field.name)
    }

    // MARK: - What the assistant says

    /// The outputs, with `missing` where there is none.
    func assistant(
        _ values: PythonDict,
        missing: PythonValue = .none,
        only isIncluded: (PromptPlan.FieldPlan) -> Bool = { _ in true }
    ) throws(PromptError) -> String {
        let fields = plan.outputs.filter(isIncluded)
        if adapter.kind == .json {
            var entries: [(PythonValue, PythonValue)] = []
            entries.reserveCapacity(fields.count)
            for field in fields {
                entries.append((.string(field.name), values[field.name] ?? missing))
            }
            let object = PromptValue.serialized(.dict(PythonDict(uniqueEntries: entries)))
            return try json(object, indent: 2)
        }
        var text = ""
        for field in fields {
            if !text.isEmpty { text += "\n\n" }
            try append(values[field.name] ?? missing, of: field, isOutput: true, to: &text)
        }
        text = text.stripped
        return adapter.kind == .chat ? text + "\n\n[[ ## completed ## ]]\n" : text
    }

    func json(_ value: PythonValue, indent: Int? = nil) throws(PromptError) -> String {
        do {
            return try JSONText.write(value, indent: indent)
        } catch {
            throw PromptError(error)
        }
    }

    // MARK: - Demos

    /// The demos as questions and answers: incomplete ones, then complete ones.
    func append(demos: [PythonDict], to messages: inout [Message]) throws(PromptError) {
        var complete: [PythonDict] = []
        for demo in demos {
            if (plan.inputs + plan.outputs).allSatisfy({ Self.isGiven(demo[$0.name]) }) {
                complete.append(demo)
                continue
            }
            guard plan.inputs.contains(where: { demo[$0.name] != nil }),
                plan.outputs.contains(where: { demo[$0.name] != nil })
            else { continue }
            messages.append(try message(user(demo, behind: Self.incomplete)))
            let missing = PythonValue.string("Not supplied for this particular example. ")
            messages.append(Message(.assistant, try assistant(demo, missing: missing)))
        }
        for demo in complete {
            messages.append(try message(user(demo)))
            messages.append(Message(.assistant, try assistant(demo)))
        }
    }

    private static func isGiven(_ value: PythonValue?) -> Bool {
        switch value {
        case nil, .some(.none): false
        default: true
        }
    }
}
