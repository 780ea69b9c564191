import KraitSignatures

/// Calls of tools in a history, and what the tools gave.
struct ToolCallsValue {
    var calls: [Call]
    /// Nil where nothing was recorded.
    var results: [Outcome]?

    struct Call {
        var id: PythonValue
        var name: String
        var arguments: PythonValue
    }

    struct Outcome {
        var id: PythonValue
        var name: String
        var value: PythonValue
        var isError: Bool
    }

    /// The first value of a turn that holds calls: `ToolCalls`, or a dict that looks like it.
    static func find(in turn: PythonDict) throws(PromptError)
        -> (name: String, calls: ToolCallsValue)?
    {
        for (key, value) in turn.entries {
            switch value {
            case .object(let instance) where instance.className == "ToolCalls":
                guard let fields = instance.fields else { throw .delegated(.coercion) }
                return (key.text, try ToolCallsValue(fields))
            case .dict(let dict) where dict["tool_calls"] != nil:
                return (key.text, try ToolCallsValue(dict))
            default: continue
            }
        }
        return nil
    }

    private init(_ fields: PythonDict) throws(PromptError) {
        guard let items = fields["tool_calls"]?.list else { throw .delegated(.coercion) }
        calls = []
        for item in items { calls.append(try Self.call(item)) }
        switch fields["tool_call_results"] {
        case nil, .some(.none): results = nil
        case .some(let value): results = try Self.outcomes(value)
        }
    }

    /// A call of DSPy's, or one as providers shape it.
    private static func call(_ item: PythonValue) throws(PromptError) -> Call {
        let fields: PythonDict
        switch item {
        case .object(let instance):
            guard let known = instance.fields else { throw .delegated(.coercion) }
            fields = known
        case .dict(let dict): fields = dict
        default: throw .delegated(.coercion)
        }
        var source = fields
        var arguments = fields["args"] ?? fields["arguments"] ?? .dict(PythonDict())
        if let function = fields["function"] {
            guard case .dict(let inner) = function else { throw .delegated(.coercion) }
            source["name"] = inner["name"] ?? fields["name"]
            arguments = inner["arguments"] ?? .dict(PythonDict())
        }
        guard let name = source["name"]?.string else { throw .delegated(.coercion) }
        if case .string(let text) = arguments {
            do {
                arguments = try JSONRepair.loads(text)
            } catch {
                throw PromptError(error)
            }
            guard arguments.dict != nil else { throw .delegated(.coercion) }
        } else if arguments.dict == nil {
            arguments = .dict(PythonDict())
        }
        return Call(id: try identifier(fields), name: name, arguments: arguments)
    }

    /// `data.get("id") or data.get("call_id")`.
    private static func identifier(_ fields: PythonDict) throws(PromptError) -> PythonValue {
        for key in ["id", "call_id"] {
            switch fields[key] {
            case nil, .some(.none), .some(.string("")): continue
            case .some(.string(let text)): return .string(text)
            default: throw .delegated(.coercion)
            }
        }
        if case .string? = fields["call_id"] { return .string("") }
        return .none
    }

    private static func outcomes(_ value: PythonValue) throws(PromptError) -> [Outcome] {
        let items: [PythonValue]
        switch value {
        case .list(let list): items = list
        case .object(let instance):
            guard let list = instance.fields?["tool_call_results"]?.list else {
                throw .delegated(.coercion)
            }
            items = list
        case .dict(let dict):
            if let list = dict["tool_call_results"]?.list {
                items = list
            } else if dict["name"] != nil, dict["value"] != nil {
                items = [value]
            } else {
                throw .delegated(.coercion)
            }
        default: throw .delegated(.coercion)
        }
        var outcomes: [Outcome] = []
        for item in items { outcomes.append(try outcome(item)) }
        return outcomes
    }

    private static func outcome(_ item: PythonValue) throws(PromptError) -> Outcome {
        let fields: PythonDict?
        switch item {
        case .object(let instance): fields = instance.fields
        case .dict(let dict): fields = dict
        default: fields = nil
        }
        guard let fields, let name = fields["name"]?.string, let value = fields["value"] else {
            throw .delegated(.coercion)
        }
        let id = fields["call_id"] ?? .none
        switch id {
        case .none, .string: break
        default: throw .delegated(.coercion)
        }
        switch fields["is_error"] {
        case nil: return Outcome(id: id, name: name, value: value, isError: false)
        case .some(.bool(let flag)): return Outcome(id: id, name: name, value: value, isError: flag)
        default: throw .delegated(.coercion)
        }
    }

    /// Whether the results name the calls' own identifiers in their order, none of them empty.
    func isAnswered(by results: [Outcome]) -> Bool {
        results.count == calls.count
            && zip(calls, results).allSatisfy { call, result in
                guard let id = call.id.string, let other = result.id.string else { return false }
                return !id.isEmpty && id.isSame(other)
            }
    }

    /// The calls alone, as DSPy prints them.
    var withoutResults: PythonValue {
        let items = calls.map { call in
            PythonValue.dict(
                PythonDict(uniqueEntries: [
                    (.string("name"), .string(call.name)), (.string("args"), call.arguments),
                ])
            )
        }
        return .dict(PythonDict(uniqueEntries: [(.string("tool_calls"), .list(items))]))
    }
}
