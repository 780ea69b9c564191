import KraitWire

/// Code of this process as a backend: what it asks of language models counts as the operation's.
package struct OriginBackend: Backend {
    private let inner: any Backend

    package init(_ inner: any Backend) { self.inner = inner }

    /// Answers a call.
    package func call(_ call: Call) async throws(CallError) -> Reply {
        var origin = CallOrigin.current
        origin.operation = call.operation
        if let session = call.options.session { origin.session = session }
        return try await CallOrigin.$current.withValue(origin) {
            () async -> Result<Reply, CallError> in
            do throws(CallError) {
                return .success(try await inner.call(call))
            } catch { return .failure(error) }
        }.get()
    }
}

/// Swift code as a backend: it runs in the caller's task, so cancelling the task reaches it.
package struct NativeBackend: Backend {
    private let body: @Sendable (Call) async throws -> Value

    /// Code that answers an operation's arguments with a value.
    package init(_ body: @escaping @Sendable (ValueMap) async throws -> Value) {
        self.body = { try await body($0.arguments) }
    }

    /// Answers a call; what the code throws comes back as `CallError.raised(by:in:)` says.
    package func call(_ call: Call) async throws(CallError) -> Reply {
        do {
            return Reply(try await body(call), from: .native)
        } catch {
            throw .raised(by: error, in: "The native code of \(call.operation)")
        }
    }
}

extension CallError {
    /// What a call fails with when Swift code of the user's throws.
    ///
    /// A `CallError` stays as it is, a `Delegation` is `delegated` and a cancellation `cancelled`.
    /// Anything else is `faulted`, just as an exception in Python is: the error's type and text are
    /// in `fault`, kept out of `description`.
    package static func raised(by error: any Error, in place: String) -> CallError {
        switch error {
        case let error as CallError:
            return error
        case let delegation as Delegation:
            return delegation.error
        case is CancellationError:
            return CallError(.cancelled, "\(place) was cancelled.", delivery: .sent)
        default:
            let text = String(describing: error)
            let type = String(reflecting: Swift.type(of: error))
            let message = text.utf8.count <= Limits.messageTextBytes ? text : text.shortened
            return CallError(
                .faulted,
                "\(place) threw \(type); its text is in the fault.",
                fault: Fault(code: .raised, type: type, message: message),
                delivery: .sent
            )
        }
    }
}

extension String {
    /// The beginning that fits into a fault's message, whole scalars only.
    fileprivate var shortened: String {
        var end = utf8.index(startIndex, offsetBy: Limits.messageTextBytes - 3)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end] + "…"
    }
}
