import KraitObservability
import KraitWire

/// One place for the calls of all language models: connections, tries, cache, ledger and keys.
///
/// A program has one, `.shared`, unless it wants several caches or ledgers.
public final class LMGateway: Sendable {
    /// The gateway of LMs that name none: its cache is in memory, as large as the defaults say.
    public static let shared = LMGateway()

    let client: HTTPClient?
    let cache: LMCache
    let flights = LMFlights()
    private let records: Lock<LMLedger>

    /// A gateway.
    ///
    /// - Parameters:
    ///   - cache: what its cache holds.
    ///   - records: how many calls its ledger remembers one by one.
    ///   - logger: told where the cache cannot use its file.
    public init(
        cache: LMCacheSettings = LMCacheSettings(),
        records: Int = 1_000,
        logger: Logger = .none
    ) {
        client = HTTPClient()
        self.cache = LMCache(cache, events: EventSink(logger: logger))
        self.records = Lock(LMLedger(limit: max(0, records)))
    }

    /// The calls so far: the latest one by one, and sums of all.
    public var ledger: LMLedger { records.withLock { $0 } }

    // MARK: Whole answers

    func complete(_ call: LMCall) async throws(LMError) -> LMResponse {
        let began = ContinuousClock.now
        do throws(LMError) {
            let response = try await answer(call, by: began + (call.request.timeout ?? .zero))
            note(call, began, .success(response))
            return response
        } catch {
            var error = error
            error.model = error.model ?? call.model
            note(call, began, .failure(error))
            throw error
        }
    }

    /// From the cache, from an equal call that is under way, or from the endpoint.
    private func answer(
        _ call: LMCall,
        by deadline: ContinuousClock.Instant
    ) async throws(LMError) -> LMResponse {
        guard call.request.cache == true, cache.isOn,
            let key = LMCacheKey(call.request, at: call.endpoint.foreignBase)
        else {
            return try await ask(call, by: deadline)
        }
        while true {
            if let found = await cache.find(key) { return found }
            switch try await flights.join(key) {
            case .answer(let response): return response.asCached
            case .again: continue
            case .lead:
                do throws(LMError) {
                    let response = try await ask(call, by: deadline)
                    cache.remember(.response(response), under: key)
                    flights.land(key, .success(response))
                    await cache.save([(key, .response(response))])
                    return response
                } catch {
                    flights.land(key, .failure(error))
                    throw error
                }
            }
        }
    }

    /// Sends as many requests as completions are wanted, all at once.
    private func ask(
        _ call: LMCall,
        by deadline: ContinuousClock.Instant
    ) async throws(LMError) -> LMResponse {
        guard call.request.n > 1 else { return try await askOne(call, by: deadline) }
        typealias One = (index: Int, result: Result<LMResponse, LMError>)
        let answers = await withTaskGroup(of: One.self) { group in
            for index in 0..<call.request.n {
                group.addTask {
                    do throws(LMError) {
                        return (index, .success(try await self.askOne(call, by: deadline)))
                    } catch { return (index, .failure(error)) }
                }
            }
            var answers: [One] = []
            for await one in group {
                if case .failure = one.result { group.cancelAll() }
                answers.append(one)
            }
            return answers
        }
        // The first to fail is the reason; the others were cancelled for it.
        for answer in answers { _ = try answer.result.get() }
        let ordered = answers.sorted { $0.index < $1.index }
        var whole = try ordered[0].result.get()
        for answer in ordered.dropFirst() {
            let other = try answer.result.get()
            whole.completions += other.completions
            whole.usage = whole.usage + other.usage
            whole.cost =
                if let cost = whole.cost, let more = other.cost { cost + more } else { nil }
        }
        return whole
    }

    private func askOne(
        _ call: LMCall,
        by deadline: ContinuousClock.Instant
    ) async throws(LMError) -> LMResponse {
        let endpoint = call.endpoint
        return try await trying(call.retries, by: deadline) { () throws(LMError) in
            let exchange = try send(call, isStream: false, by: deadline)
            let body = try await exchange.answer()
            let response = try endpoint.dialect.response(body, model: endpoint.wireModel)
            return exchange.priced(response)
        }
    }

    /// Tries until it succeeds, fails for good, or there is no time left.
    func trying<Answer: Sendable>(
        _ count: Int,
        by deadline: ContinuousClock.Instant,
        _ attempt: () async throws(LMError) -> Answer
    ) async throws(LMError) -> Answer {
        var retries = Retries(count)
        while true {
            do throws(LMError) { return try await attempt() } catch {
                let wait = retries.failed(
                    error,
                    remaining: ContinuousClock.now.duration(to: deadline),
                    random: Double.random(in: 0..<1)
                )
                guard let wait else { throw error }
                do { try await Task.sleep(for: wait) } catch {
                    throw LMError(.cancelled, "the request was cancelled")
                }
            }
        }
    }

    /// Sends a call's request.
    func send(
        _ call: LMCall,
        isStream: Bool,
        by deadline: ContinuousClock.Instant
    ) throws(LMError) -> LMExchange {
        let endpoint = call.endpoint
        let body = try endpoint.dialect.body(
            call.request,
            model: endpoint.wireModel,
            isStream: isStream
        )
        let path = endpoint.dialect.path
        return try send(body, to: path, of: endpoint, isStream: isStream, by: deadline)
    }

    /// Sends a body.
    func send(
        _ body: Value,
        to path: String,
        of endpoint: LMEndpoint,
        isStream: Bool = false,
        by deadline: ContinuousClock.Instant
    ) throws(LMError) -> LMExchange {
        guard let client else {
            throw LMError(.transport, "there is no thread to be had for connections")
        }
        let request = try LMExchange.request(
            body,
            to: path,
            of: endpoint,
            isStream: isStream,
            timeout: ContinuousClock.now.duration(to: deadline)
        )
        return LMExchange(endpoint, client.send(request))
    }

    // MARK: The ledger

    func note(
        _ call: LMCall,
        _ began: ContinuousClock.Instant,
        _ result: Result<LMResponse, LMError>
    ) {
        note(call.model, began, result.map { LMRecord.Cost($0) })
    }

    func note(
        _ model: String,
        _ began: ContinuousClock.Instant,
        _ result: Result<LMRecord.Cost, LMError>
    ) {
        let record = LMRecord(model, after: began.duration(to: .now), result)
        records.withLock { $0.took(record) }
    }
}

extension LMResponse {
    /// As it comes from the cache: no tokens were used, and nothing was paid.
    var asCached: LMResponse {
        var response = self
        response.isCached = true
        response.usage = LMUsage()
        response.cost = 0
        return response
    }
}
