import KraitRouting
import KraitWire

/// A backend that answers with the call it got, as a map of its operation and route.
struct Mirror: Backend {
    var route: Route

    func call(_ call: Call) async throws(CallError) -> Reply {
        let value: Value = [
            "operation": .string(call.operation), "arguments": .map(call.arguments),
        ]
        switch route {
        case .native: return Reply(value, from: .native)
        case .pool(let name):
            return Reply(value, from: .pool(name, worker: "\(name)/1.1", codec: .messagePack))
        }
    }
}

/// A backend that always fails.
struct Failing: Backend {
    var error: CallError

    func call(_ call: Call) async throws(CallError) -> Reply { throw error }
}

extension Registry.Native {
    static func mirror(_ operation: String, _ capabilities: Capabilities = []) -> Self {
        Self(operation, capabilities: capabilities, backend: Mirror(route: .native))
    }
}

extension Registry.Pool {
    static func mirror(
        _ name: String,
        _ operations: Set<String>?,
        _ capabilities: Capabilities = []
    ) -> Self {
        let backend = Mirror(route: .pool(name))
        return Self(name, operations: operations, capabilities: capabilities, backend: backend)
    }
}
