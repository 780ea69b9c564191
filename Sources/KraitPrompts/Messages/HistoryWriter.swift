import KraitSignatures

extension MessageWriter {
    /// The conversation so far: for each turn what the user said, what was answered, and what tools
    /// gave.
    func append(history: PythonValue?, to messages: inout [Message]) throws(PromptError) {
        guard let history else { return }
        for turn in try Self.turns(of: history) {
            guard case .dict(let values) = turn else {
                throw .raise("AttributeError", "a turn of a history is a dict")
            }
            let hasInput = plan.inputs.indices.contains {
                $0 != plan.historyIndex && values[plan.inputs[$0].name] != nil
            }
            let asked = try user(values, skipping: plan.historyIndex, isRequest: hasInput)
            if !asked.isEmpty { messages.append(try message(asked)) }
            let calls = try ToolCallsValue.find(in: values)
            if adapter.usesNativeFunctionCalling, let calls {
                try append(native: calls.calls, of: values, to: &messages)
            } else {
                try append(answer: values, calls, to: &messages)
            }
        }
    }

    private static func turns(of history: PythonValue) throws(PromptError) -> [PythonValue] {
        let messages: PythonValue? =
            switch history {
            case .object(let instance): instance.fields?["messages"]
            // The worker makes a History of a mapping before DSPy sees it.
            case .dict(let dict): dict["messages"]
            default: nil
            }
        guard let messages else {
            throw .raise(
                "AttributeError",
                "'\(history.typeName)' object has no attribute 'messages'"
            )
        }
        // `History(messages=None)` cannot be made, but DSPy would skip it.
        if case .none = messages { return [] }
        guard let turns = messages.list else { throw .delegated(.coercion) }
        return turns
    }

    /// An answer in text, and the results of its calls as a message of the user's.
    private func append(
        answer values: PythonDict,
        _ found: (name: String, calls: ToolCallsValue)?,
        to messages: inout [Message]
    ) throws(PromptError) {
        var answered = values
        if let found, found.calls.results != nil {
            answered[found.name] = found.calls.withoutResults
        }
        let answer = try assistant(answered)
        if !answer.isEmpty { messages.append(Message(.assistant, answer)) }
        guard let results = found?.calls.results else { return }
        var items: [PythonValue] = []
        for result in results {
            items.append(
                .dict(
                    PythonDict(uniqueEntries: [
                        (.string("call_id"), result.id), (.string("name"), .string(result.name)),
                        (.string("value"), PromptValue.serialized(result.value)),
                        (.string("is_error"), .bool(result.isError)),
                    ])
                )
            )
        }
        let name = "tool_call_results"
        let object = PythonValue.dict(PythonDict(uniqueEntries: [(.string(name), .list(items))]))
        let text = try json(object)
        let content =
            adapter.kind == .xml ? "<\(name)>\n\(text)\n</\(name)>" : "[[ ## \(name) ## ]]\n\(text)"
        messages.append(try message(content.stripped))
    }

    /// An answer with the calls as the API has them, and each result as a message of the tool's.
    private func append(
        native calls: ToolCallsValue,
        of values: PythonDict,
        to messages: inout [Message]
    ) throws(PromptError) {
        func isSaid(_ field: PromptPlan.FieldPlan) -> Bool {
            if field.type == .dspy(.toolCalls) { return false }
            switch values[field.name] {
            case nil, .some(.none): return false
            default: return true
            }
        }
        let content =
            plan.outputs.contains(where: isSaid) ? try assistant(values, only: isSaid) : ""
        // Results count only if they answer the calls one by one.
        let results = calls.results.flatMap { calls.isAnswered(by: $0) ? $0 : nil }
        guard let results else {
            if !content.isEmpty { messages.append(Message(.assistant, content)) }
            return
        }
        var requests: [PythonValue] = []
        for call in calls.calls {
            let arguments = try json(PromptValue.serialized(call.arguments))
            let function = PythonDict(uniqueEntries: [
                (.string("name"), .string(call.name)), (.string("arguments"), .string(arguments)),
            ])
            requests.append(
                .dict(
                    PythonDict(uniqueEntries: [
                        (.string("id"), call.id), (.string("type"), .string("function")),
                        (.string("function"), .dict(function)),
                    ])
                )
            )
        }
        messages.append(
            Message(.assistant, content.isEmpty ? .none : .text(content), toolCalls: requests)
        )
        for result in results {
            let text: String
            if case .string(let said) = result.value {
                text = said
            } else {
                text = try json(PromptValue.serialized(result.value))
            }
            var answer = Message(.tool, text)
            answer.answered = (result.id, .string(result.name))
            messages.append(answer)
        }
    }
}
