import KraitLM
import KraitSignatures
import KraitWire

extension ControlRequest {
    /// Reads a request.
    ///
    /// Its `id` is the caller's business.
    package init(_ value: Value) throws(ControlFailure) {
        guard case .map(let map) = value else {
            throw .malformed("a request is a JSON object, not \(value.kindName)")
        }
        let fields = RequestFields(map: map, place: "the request")
        let verb = try fields.required("verb").text()
        switch verb {
        case "ping":
            try fields.allow(["verb"])
            self = .ping
        case "status":
            try fields.allow(["verb"])
            self = .status
        case "explain":
            try fields.allow(["verb", "operation"])
            self = .explain(operation: try fields.required("operation").text())
        case "lm": self = try .ledger(fields)
        case "stop":
            try fields.allow(["verb", "now"])
            self = .stop(now: try fields.optional("now")?.flag() ?? false)
        case "call": self = .call(try Self.call(fields))
        case "stream": self = .stream(try Self.call(fields))
        case "run": self = .run(try Self.run(fields))
        case "pipelines":
            try fields.allow(["verb", "plan"])
            self = .pipelines(plan: try fields.optional("plan")?.text())
        case "runs":
            try fields.allow(["verb", "number"])
            self = .runs(number: try fields.optional("number")?.count())
        case "sessions":
            try fields.allow(["verb", "session", "pool"])
            self = .sessions(
                id: try fields.optional("session")?.text(),
                pool: try fields.optional("pool")?.text()
            )
        case "cancel":
            try fields.allow(["verb", "of"])
            self = .cancel(try fields.required("of").value)
        case "resize":
            try fields.allow(["verb", "pool", "workers", "wait"])
            self = try .steer(fields, .resize(fields.required("workers").count()))
        case "drain":
            try fields.allow(["verb", "pool", "within_ms", "wait"])
            let patience = try fields.optional("within_ms")?.milliseconds()
            self = try .steer(fields, .drain(within: patience))
        case "resume":
            try fields.allow(["verb", "pool", "wait"])
            self = try .steer(fields, .resume)
        case "recycle":
            try fields.allow(["verb", "pool", "wait"])
            self = try .steer(fields, .recycle)
        default:
            let verbs =
                "ping, status, call, stream, cancel, explain, lm, pipelines, run, runs, resize, "
                + "drain, resume, recycle, sessions, stop"
            throw .malformed("there is no verb \(quoted(verb)); there are \(verbs)")
        }
    }

    private static func call(_ fields: RequestFields) throws(ControlFailure) -> Call {
        try fields.allow(["verb", "operation", "arguments", "options"])
        return Call(
            try fields.required("operation").text(),
            try fields.optional("arguments")?.map() ?? [:],
            options: try CallOptions(control: fields.optional("options")?.map() ?? [:])
        )
    }

    private static func ledger(_ fields: RequestFields) throws(ControlFailure) -> ControlRequest {
        try fields.allow(["verb", "by", "last"])
        let name = try fields.optional("by")?.text() ?? LMLedger.Grouping.model.rawValue
        guard let grouping = LMLedger.Grouping(rawValue: name) else {
            let names = LMLedger.Grouping.allCases.map(\.rawValue).joined(separator: ", ")
            throw .malformed("by must be one of \(names), not \(quoted(name))")
        }
        return .lm(by: grouping, last: try fields.optional("last")?.count() ?? 0)
    }

    private static func run(_ fields: RequestFields) throws(ControlFailure) -> RunRequest {
        try fields.allow(["verb", "pipeline", "input", "options", "stream", "trace"])
        return RunRequest(
            try fields.required("pipeline").text(),
            fields.map["input"] ?? .null,
            options: try CallOptions(control: fields.optional("options")?.map() ?? [:]),
            isStreaming: try fields.optional("stream")?.flag() ?? false,
            isTraced: try fields.optional("trace")?.flag() ?? false
        )
    }

    private static func steer(
        _ fields: RequestFields,
        _ change: SteeringRequest.Change
    ) throws(ControlFailure) -> ControlRequest {
        .steer(
            SteeringRequest(
                pool: try fields.required("pool").text(),
                change: change,
                waiting: try fields.optional("wait")?.flag() ?? true
            )
        )
    }

    /// The request's line, without its line break.
    ///
    /// Throws `JSONTextError` where the arguments are nested too deep or too long to be sent.
    package func line(id: Int) throws -> [UInt8] {
        var map: ValueMap = ["id": .int(Int64(id))]
        switch self {
        case .ping: map["verb"] = "ping"
        case .status: map["verb"] = "status"
        case .explain(let operation):
            map["verb"] = "explain"
            map["operation"] = .string(operation)
        case .lm(let grouping, let last):
            map["verb"] = "lm"
            map["by"] = .string(grouping.rawValue)
            map["last"] = .int(Int64(last))
        case .steer(let request):
            map["verb"] = .string(request.verb)
            map["pool"] = .string(request.pool)
            map["wait"] = .bool(request.waiting)
            switch request.change {
            case .resize(let workers): map["workers"] = .int(Int64(workers))
            case .drain(let patience):
                map["within_ms"] = patience.map { .int($0.wholeMilliseconds) }
            case .resume, .recycle: break
            }
        case .stop(let now):
            map["verb"] = "stop"
            map["now"] = .bool(now)
        case .cancel(let other):
            map["verb"] = "cancel"
            map["of"] = other
        case .run(let request):
            map["verb"] = "run"
            map["pipeline"] = .string(request.pipeline)
            map["input"] = request.input
            map["options"] = .map(request.options.control)
            if request.isStreaming { map["stream"] = true }
            if request.isTraced { map["trace"] = true }
        case .pipelines(let plan):
            map["verb"] = "pipelines"
            map["plan"] = plan.map(Value.string)
        case .sessions(let id, let pool):
            map["verb"] = "sessions"
            map["session"] = id.map(Value.string)
            map["pool"] = pool.map(Value.string)
        case .runs(let number):
            map["verb"] = "runs"
            map["number"] = number.map { .int(Int64($0)) }
        case .call(let call), .stream(let call):
            if case .stream = self { map["verb"] = "stream" } else { map["verb"] = "call" }
            map["operation"] = .string(call.operation)
            map["arguments"] = .map(call.arguments)
            map["options"] = .map(call.options.control)
        }
        return Array(try Value.map(map).json().utf8)
    }
}

extension CallOptions {
    fileprivate init(control map: ValueMap) throws(ControlFailure) {
        let fields = RequestFields(map: map, place: "options")
        try fields.allow(
            ["on", "timeout_ms", "idempotent", "priority", "caller", "codec", "session", "lm"]
        )
        self.init(
            route: try fields.optional("on").map { field throws(ControlFailure) in
                RouteChoice(control: try field.text())
            } ?? .automatic,
            timeout: try fields.optional("timeout_ms")?.milliseconds(),
            isIdempotent: try fields.optional("idempotent")?.flag() ?? false,
            priority: try fields.optional("priority").map { field throws(ControlFailure) in
                let name = try field.text()
                guard let priority = CallPriority.allCases.first(where: { $0.name == name }) else {
                    throw .malformed("options.priority must be low, normal or high")
                }
                return priority
            } ?? .normal,
            caller: try fields.optional("caller")?.text(),
            session: try fields.optional("session")?.text(),
            lm: try fields.optional("lm")?.map(),
            codec: try fields.optional("codec").map { field throws(ControlFailure) in
                guard let codec = Codec(name: try field.text()) else {
                    throw .malformed("options.codec must be json or msgpack")
                }
                return codec
            }
        )
    }

    fileprivate var control: ValueMap {
        var map: ValueMap = [:]
        map["on"] = route.control.map(Value.string)
        map["timeout_ms"] = timeout.map { .int($0.wholeMilliseconds) }
        if isIdempotent { map["idempotent"] = true }
        if priority != .normal { map["priority"] = .string(priority.name) }
        map["caller"] = caller.map(Value.string)
        map["codec"] = codec.map { .string($0.name) }
        map["session"] = session.map(Value.string)
        map["lm"] = lm.map(Value.map)
        return map
    }
}

extension RouteChoice {
    /// The route of the word for it: `native`, or a pool's name.
    package init(control text: String) { self = text == "native" ? .native : .pool(text) }

    fileprivate var control: String? {
        switch self {
        case .automatic: nil
        case .native: "native"
        case .pool(let name): name
        }
    }
}

extension Duration {
    /// Rounded up, so that a wait of less than one is still one.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let part = 1_000_000_000_000_000 as Int64
        return seconds * 1_000 + (attoseconds + part - 1) / part
    }
}

/// The fields of a request, read with errors that name them.
private struct RequestFields {
    let map: ValueMap
    let place: String

    struct Field {
        let title: String
        let value: Value

        func text() throws(ControlFailure) -> String {
            guard let text = value.string else { throw wrong("text") }
            return text
        }
        func flag() throws(ControlFailure) -> Bool {
            guard let flag = value.bool else { throw wrong("a boolean") }
            return flag
        }
        func count() throws(ControlFailure) -> Int {
            guard let number = value.int, let count = Int(exactly: number) else {
                throw wrong("an integer")
            }
            return count
        }
        func map() throws(ControlFailure) -> ValueMap {
            guard let map = value.map else { throw wrong("a map") }
            return map
        }
        func milliseconds() throws(ControlFailure) -> Duration {
            guard let number = value.int, number > 0, number <= 30 * 86_400_000 else {
                throw wrong("a number of milliseconds above 0")
            }
            return .milliseconds(number)
        }
        private func wrong(_ wanted: String) -> ControlFailure {
            .malformed("\(title) must be \(wanted), not \(value.kindName)")
        }
    }

    func optional(_ key: String) -> Field? {
        guard let value = map[key], value != .null else { return nil }
        return Field(title: place == "options" ? "options.\(key)" : key, value: value)
    }

    func required(_ key: String) throws(ControlFailure) -> Field {
        guard let field = optional(key) else { throw .malformed("\(place) has no \(quoted(key))") }
        return field
    }

    func allow(_ keys: [String]) throws(ControlFailure) {
        let valid = keys + (place == "options" ? [] : ["id"])
        guard let unknown = map.keys.first(where: { !valid.contains($0) }) else { return }
        let near = NearestName.find(unknown, among: valid)
        let hint = near.map { "; did you mean \(quoted($0))?" } ?? ""
        throw .malformed("\(place) has an unknown key \(quoted(unknown))\(hint)")
    }
}
