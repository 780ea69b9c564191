import KraitWire

extension RunContext {
    /// Runs `body`, and cancels it when the time is over; waits for it in any case.
    ///
    /// What was cancelled by that is `deadline_exceeded`, with the path to the step it was in.
    func limited<Output: Sendable>(
        to time: Duration,
        _ body: @escaping @Sendable (RunContext) async throws(CallError) -> Output
    ) async throws(CallError) -> Output {
        let inner = ending(by: .now + time)
        let outcome = await withTaskGroup(of: Limited<Output>.self) { group in
            group.addTask { () async -> Limited<Output> in
                .outcome(await CallError.result { () throws(CallError) in try await body(inner) })
            }
            group.addTask { () async -> Limited<Output> in
                // The pause of the outer run: the inner one's would refuse to wait as long.
                (try? await pause(for: time)) == true ? .timeIsUp : .wasWoken
            }
            var isTimeUp = false
            var outcome: Result<Output, CallError>?
            for await next in group {
                switch next {
                case .outcome(let result):
                    outcome = result
                    group.cancelAll()
                case .timeIsUp:
                    isTimeUp = true
                    group.cancelAll()
                case .wasWoken: break
                }
            }
            return isTimeUp ? outcome?.mapError { $0.outOfTime(time) } : outcome
        }
        guard let outcome else { preconditionFailure("a child task ended without an outcome") }
        return try outcome.get()
    }
}

private enum Limited<Output: Sendable>: Sendable {
    case outcome(Result<Output, CallError>)
    case timeIsUp
    case wasWoken
}

extension CallError {
    /// What a body gave or threw, as a child task can hand it on.
    static func result<Output>(
        _ body: () async throws(CallError) -> Output
    ) async -> Result<Output, CallError> {
        do throws(CallError) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    /// The error of what was cancelled since its time was over.
    fileprivate func outOfTime(_ time: Duration) -> CallError {
        guard code == .cancelled else { return self }
        var error = self
        error.code = .deadlineExceeded
        error.message = "The step was not done within \(time)."
        return error
    }
}
