import KraitWire

extension ReceivedEnvelope {
    /// What an answer says of the worker and the operation.
    ///
    /// A fault that the operation's own code raised is a success in this sense: the worker is well,
    /// and the next call may be another matter. One that a language model or its endpoint caused
    /// is not: the next call will meet the same.
    var meaning: PoolStateMachine.Answer {
        guard header.kind == .fault else { return .success }
        guard let body = try? decodeBody(), let fault = try? Fault(body) else { return .success }
        return switch fault.code {
        case .raised: fault.isOutage ? .failure : .success
        case .deadlineExceeded: .failure
        case .cancelled: .cancelled
        case .overloaded: .notBegun
        case .noSession: .noSession
        case .unknownOperation, .invalidInput, .unserialisable, .malformed, .importFailed,
            .setupFailed:
            .success
        }
    }
}

extension Fault {
    /// Whether what the operation depends on could not be reached, or is overloaded: an error of a
    /// language model that has no HTTP status, or one that asks for another try.
    private static let transient: Set<Int> = [408, 409, 425, 429]

    fileprivate var isOutage: Bool {
        guard details["model"] != nil || details["provider"] != nil else { return false }
        guard let status = details["status"]?.int else { return true }
        return status >= 500 || Self.transient.contains(status)
    }
}
