import KraitWire

/// A daemon's answer to a request.
package struct ControlReply: Sendable {
    package let id: Value
    package let result: Result<Value, ControlFailure>

    package init(id: Value, _ result: Result<Value, ControlFailure>) {
        self.id = id
        self.result = result
    }

    /// The chunk of a line; nil where it is none.
    package static func chunk(of line: [UInt8]) -> Value? {
        guard let value = try? readJSON(line) else { return nil }
        return value["chunk"]
    }

    /// The answer of a line; nil where it is none.
    package init?(line: [UInt8]) {
        guard let value = try? readJSON(line), let id = value["id"] else { return nil }
        if let ok = value["ok"] {
            self.init(id: id, .success(ok))
        } else if let error = value["error"].flatMap(ControlFailure.init(wire:)) {
            self.init(id: id, .failure(error))
        } else {
            return nil
        }
    }

    /// The answer's line, without its line break.
    package var line: [UInt8] {
        let value: Value =
            switch result {
            case .success(let ok): ["id": id, "ok": ok]
            case .failure(let failure): ["id": id, "error": failure.wire]
            }
        do {
            return Array(try value.json().utf8)
        } catch {
            // A value that was fit for MessagePack may be too long for JSON.
            let failure = ControlFailure.failed("the answer cannot be written as JSON: \(error)")
            return ControlReply(id: id, .failure(failure)).line
        }
    }
}

extension ControlFailure {
    /// The failure as a JSON object; of a call's own error everything, for whoever made the call.
    package var wire: Value {
        var map: ValueMap = ["code": .string(code), "message": .string(message)]
        map["run"] = run
        guard let callError else { return .map(map) }
        map["operation"] = callError.operation.map(Value.string)
        if !callError.path.isEmpty { map["path"] = .list(callError.path.map(Value.string)) }
        map["pool"] = callError.pool.map(Value.string)
        map["worker"] = callError.worker.map(Value.string)
        map["delivery"] = .string(callError.delivery.rawValue)
        map["fault"] = callError.fault.map { fault in
            [
                "code": .string(fault.code.rawValue), "type": .string(fault.type),
                "message": .string(fault.message), "traceback": .string(fault.traceback),
                "details": .map(fault.details),
            ]
        }
        return .map(map)
    }

    package init?(wire value: Value) {
        guard let code = value["code"]?.string, let message = value["message"]?.string else {
            return nil
        }
        guard let delivery = value["delivery"]?.string.flatMap(CallError.Delivery.init(rawValue:))
        else {
            self.init(code: code, message: message)
            return
        }
        let fault = value["fault"].flatMap { fault -> Fault? in
            guard let code = fault["code"]?.string.flatMap(Fault.Code.init(rawValue:)) else {
                return nil
            }
            return Fault(
                code: code,
                type: fault["type"]?.string ?? "",
                message: fault["message"]?.string ?? "",
                traceback: fault["traceback"]?.string ?? "",
                details: fault["details"]?.map ?? [:]
            )
        }
        self.init(
            CallError(
                CallError.Code(rawValue: code),
                message,
                operation: value["operation"]?.string,
                path: value["path"]?.list?.compactMap(\.string) ?? [],
                pool: value["pool"]?.string,
                worker: value["worker"]?.string,
                fault: fault,
                delivery: delivery
            ),
            run: value["run"]
        )
    }
}

extension Reply {
    /// The reply of a call as `ok` has it.
    package func control(seconds: Double) -> Value {
        var source: ValueMap =
            switch self.source {
            case .native: ["kind": "native"]
            case .pool(let pool, let worker, let codec):
                [
                    "kind": "pool", "pool": .string(pool), "worker": .string(worker),
                    "codec": .string(codec.name),
                ]
            }
        if let compression { source["compression"] = .string(compression.name) }
        return ["value": value, "source": .map(source), "seconds": .double(seconds)]
    }
}
