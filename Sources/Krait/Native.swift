import KraitRouting
import KraitSignatures
import KraitWire

/// A native implementation, as a program declares it among an orchestrator's parts.
///
/// ```swift
/// Native(Polish.self) { input in .init(reply: input.reply.lowercased()) }
/// ```
/// It answers `predict` of that signature in this process; the router's policy decides between it
/// and the pools.
public struct Native: Sendable {
    let implementation: Result<Registry.Native, SchemaError>

    /// Answers predictions of a signature.
    ///
    /// A signature that does not hold together is an error of the orchestrator's `run`. What `body`
    /// throws is the call's error; a `CallError` is passed on as it is.
    public init<S: Signature>(
        _ signature: S.Type,
        _ body: @escaping @Sendable (S.Input) async throws -> S.Output
    ) {
        implementation = Result { () throws(SchemaError) in
            try Registry.Native(signature, body).accounted
        }
    }

    /// Answers an operation by its name; `body` is given the call's arguments.
    public init(
        _ operation: String,
        _ body: @escaping @Sendable (ValueMap) async throws -> Value
    ) {
        implementation = .success(
            Registry.Native(operation, backend: NativeBackend(body)).accounted
        )
    }
}
