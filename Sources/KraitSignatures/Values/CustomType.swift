/// DSPy's own types as values of outputs: what their validators make of text and of JSON.
enum CustomType {
    /// `parse_value` for a field of exactly this type.
    ///
    /// A text is first read as JSON or as a Python constant, and if the type does not take that, as
    /// itself. `candidate` is that first reading; nil where the value is no text.
    static func parse(
        _ value: PythonValue,
        reading candidate: PythonValue?,
        as type: DSPyType
    ) throws(ValueFailure) -> PythonValue {
        if let made = try make(candidate ?? value, type) { return made }
        if candidate != nil, let made = try make(value, type) { return made }
        throw .raise(
            "ValidationError",
            "1 validation error for \(type.rawValue)\n  Value error, Received invalid value for "
                + "`dspy.\(type.rawValue)`: \((candidate ?? value).text)"
        )
    }

    /// The value, or nil where the type refuses it.
    private static func make(_ value: PythonValue, _ type: DSPyType) throws(ValueFailure)
        -> PythonValue?
    {
        switch type {
        case .reasoning: return text(value, key: "content").map { instance(type, "content", $0) }
        case .code:
            return text(value, key: "code").map { instance(type, "code", code(in: $0)) }
        case .toolCalls: return try toolCalls(value)
        default: throw .delegated(.customType)
        }
    }

    /// A text, or the one that a dict has under a key.
    private static func text(_ value: PythonValue, key: String) -> String? {
        switch value {
        case .string(let text): text
        case .dict(let dict): dict[key]?.string
        default: nil
        }
    }

    private static func instance(_ type: DSPyType, _ field: String, _ text: String) -> PythonValue {
        .object(
            PythonInstance(
                className: type.rawValue,
                json: .string(text),
                text: type == .reasoning ? text : nil,
                fields: PythonDict([(field, .string(text))])
            )
        )
    }

    // MARK: - Code

    /// What stands in the first fence of a text, else the text.
    ///
    /// A fence is three backticks, the rest of their line, and everything up to the next three; if
    /// there is none of that kind, what stands between two times three.
    private static func code(in text: String) -> String {
        let bytes = Array(text.utf8)
        guard let start = fence(in: bytes, from: 0) else { return text }
        let line = bytes[(start + 3)...].firstIndex(of: 0x0A).map { $0 + 1 }
        for begin in [line, start + 3] {
            if let begin, let end = fence(in: bytes, from: begin) {
                let inner = Array(String(bytes: bytes[begin..<end]).unicodeScalars)
                return trimmed(inner)
            }
        }
        return text
    }

    private static func fence(in bytes: [UInt8], from start: Int) -> Int? {
        let tick = UInt8(ascii: "`")
        var place = start
        while place + 2 < bytes.count {
            if bytes[place] == tick, bytes[place + 1] == tick, bytes[place + 2] == tick {
                return place
            }
            place += 1
        }
        return nil
    }

    /// Python's `str.strip`.
    private static func trimmed(_ scalars: [Unicode.Scalar]) -> String {
        var rest = scalars[...].drop(while: Docstring.isSpace)
        while let last = rest.last, Docstring.isSpace(last) { rest.removeLast() }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: rest)
        return String(text)
    }

    // MARK: - Calls of tools

    private static func toolCalls(_ value: PythonValue) throws(ValueFailure) -> PythonValue? {
        var items: [PythonValue]
        var results = PythonValue.none
        switch value {
        case .list(let list):
            guard list.allSatisfy({ $0.dict.map(isCall) ?? false }) else { return nil }
            items = list
        case .dict(let dict):
            if let list = dict["tool_calls"] {
                guard case .list(let calls) = list else { return nil }
                items = calls
                results = dict["tool_call_results"] ?? .none
            } else if isCall(dict) {
                items = [value]
            } else {
                return nil
            }
        default: return nil
        }
        var calls: [PythonValue] = []
        var plain: [PythonValue] = []
        for item in items {
            guard case .dict(let dict) = item, let call = try call(dict) else { return nil }
            calls.append(.object(call))
            plain.append(call.json)
        }
        return .object(
            PythonInstance(
                className: "ToolCalls",
                json: .dict(PythonDict([("tool_calls", .list(plain))])),
                fields: PythonDict([("tool_calls", .list(calls)), ("tool_call_results", results)])
            )
        )
    }

    private static func isCall(_ dict: PythonDict) -> Bool {
        dict["function"] != nil
            || dict["name"] != nil && (dict["args"] != nil || dict["arguments"] != nil)
    }

    /// A call in DSPy's shape or in a provider's; nil where it is neither.
    private static func call(_ dict: PythonDict) throws(ValueFailure) -> PythonInstance? {
        var name = dict["name"]
        var arguments = dict["args"] ?? dict["arguments"] ?? .dict(PythonDict())
        if let given = dict["function"] {
            // `None` and other empty values count as an empty dict.
            let function: PythonDict
            switch given {
            case .dict(let inner): function = inner
            case _ where isEmpty(given): function = PythonDict()
            default: return nil
            }
            arguments = function["arguments"] ?? .dict(PythonDict())
            if let inner = function["name"], !isEmpty(inner) { name = inner }
        }
        if case .string(let text) = arguments {
            arguments = try JSONRepair.loads(text)
            guard arguments.dict != nil else { return nil }
        } else if arguments.dict == nil {
            arguments = .dict(PythonDict())
        }
        guard let name = name?.string else { return nil }
        var id = dict["id"] ?? .none
        if isEmpty(id) { id = dict["call_id"] ?? .none }
        switch id {
        case .none, .string: break
        default: return nil
        }
        return PythonInstance(
            className: "ToolCall",
            json: .dict(
                PythonDict([("name", .string(name)), ("args", PromptValue.serialized(arguments))])
            ),
            fields: PythonDict([("id", id), ("name", .string(name)), ("args", arguments)])
        )
    }

    /// What Python's `or` passes over.
    private static func isEmpty(_ value: PythonValue) -> Bool {
        switch value {
        case .none, .bool(false), .int(0): true
        case .float(let number): number == 0
        case .string(let text): text.utf8.isEmpty
        case .list(let items): items.isEmpty
        case .dict(let dict): dict.isEmpty
        default: false
        }
    }
}
