import KraitObservability

/// Equal requests that are under way: the first asks, the others wait for its answer.
final class LMFlights: Sendable {
    /// What to do about a request.
    enum Part: Sendable {
        /// Ask, and then `land`.
        case lead
        /// Somebody else has asked: this is the answer.
        case answer(LMResponse)
        /// Who asked was cancelled: begin anew.
        case again
    }

    private typealias Waiter = CheckedContinuation<Result<Part, LMError>, Never>

    private struct State {
        var next = 0
        var flights: [LMCacheKey: [Int: Waiter]] = [:]
    }

    private let state = Lock(State())

    init() {}

    /// Waits where an equal request is under way.
    func join(_ key: LMCacheKey) async throws(LMError) -> Part {
        let number: Int? = state.withLock { state in
            guard state.flights[key] != nil else {
                state.flights[key] = [:]
                return nil
            }
            state.next += 1
            return state.next
        }
        guard let number else { return .lead }
        let cancelled = LMError(.cancelled, "the request was cancelled")
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let result: Result<Part, LMError>? = state.withLock { state in
                    if Task.isCancelled { return .failure(cancelled) }
                    guard state.flights[key] != nil else { return .success(.again) }
                    state.flights[key]?[number] = waiter
                    return nil
                }
                if let result { waiter.resume(returning: result) }
            }
        } onCancel: {
            state.withLock { $0.flights[key]?.removeValue(forKey: number) }?
                .resume(returning: .failure(cancelled))
        }.get()
    }

    /// The answer is there: gives it to all who wait.
    func land(_ key: LMCacheKey, _ result: Result<LMResponse, LMError>) {
        let waiting = state.withLock { $0.flights.removeValue(forKey: key) } ?? [:]
        let part: Result<Part, LMError>
        switch result {
        case .success(let response): part = .success(.answer(response))
        // One's being cancelled, or having less time, is no answer to the others.
        case .failure(let error) where [.cancelled, .timeout].contains(error.kind):
            part = .success(.again)
        case .failure(let error): part = .failure(error)
        }
        for waiter in waiting.values { waiter.resume(returning: part) }
    }
}
