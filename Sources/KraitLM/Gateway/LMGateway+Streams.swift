import KraitWire

extension LMGateway {
    /// Begins a stream: tried again until the endpoint begins to answer, never after.
    func stream(_ call: LMCall) async throws(LMError) -> any LMEventSource {
        guard call.request.n == 1 else {
            throw LMError(.unsupportedFeature, "a stream has one completion", model: call.model)
        }
        let began = ContinuousClock.now
        let deadline = began + (call.request.timeout ?? .zero)
        let isCached = call.request.cache == true && cache.isOn
        let key = isCached ? LMCacheKey(call.request, at: call.endpoint.foreignBase) : nil
        if let key, let found = await cache.find(key) {
            note(call, began, .success(found))
            return WholeAnswer(found)
        }
        do throws(LMError) {
            let exchange = try await trying(call.retries, by: deadline) { () throws(LMError) in
                let exchange = try send(call, isStream: true, by: deadline)
                try await exchange.begin()
                return exchange
            }
            return LMStreamSource(exchange, call, key, of: self, since: began)
        } catch {
            var error = error
            error.model = error.model ?? call.model
            note(call, began, .failure(error))
            throw error
        }
    }
}

/// The events of an endpoint's stream.
final class LMStreamSource: LMEventSource {
    private let exchange: LMExchange
    private let call: LMCall
    private let key: LMCacheKey?
    private let gateway: LMGateway
    private let began: ContinuousClock.Instant
    private var parser = EventStreamParser()
    private var accumulator: any StreamAccumulator
    private var events: [LMEvent] = []
    /// What is wrong behind the events that came before it.
    private var failure: LMError?
    private var isOver = false

    init(
        _ exchange: LMExchange,
        _ call: LMCall,
        _ key: LMCacheKey?,
        of gateway: LMGateway,
        since began: ContinuousClock.Instant
    ) {
        self.exchange = exchange
        self.call = call
        self.key = key
        self.gateway = gateway
        self.began = began
        accumulator = call.endpoint.dialect.accumulator(model: call.endpoint.wireModel)
    }

    deinit {
        guard !isOver else { return }
        let error = LMError(.cancelled, "nobody read the stream", model: call.model)
        gateway.note(call, began, .failure(error))
    }

    func next() async throws(LMError) -> LMEvent? {
        do throws(LMError) {
            while events.isEmpty {
                if isOver { return nil }
                if let failure { throw failure }
                try await read()
            }
            return events.removeFirst()
        } catch {
            var error = exchange.redacted(error)
            error.model = error.model ?? call.model
            if !isOver { gateway.note(call, began, .failure(error)) }
            isOver = true
            throw error
        }
    }

    func ready() -> [LMEvent] {
        defer { events = [] }
        return events
    }

    private func read() async throws(LMError) {
        guard !accumulator.isOver, let bytes = try await exchange.more() else {
            let response = exchange.priced(try accumulator.finished())
            isOver = true
            gateway.note(call, began, .success(response))
            if let key {
                gateway.cache.remember(.response(response), under: key)
                await gateway.cache.save([(key, .response(response))])
            }
            events = [.end(response)]
            return
        }
        let found: [[UInt8]]
        do { found = try parser.took(bytes) } catch {
            throw .malformed("an event has more than \(LMLimits.eventBytes >> 20) MiB")
        }
        do throws(LMError) {
            for data in found where !accumulator.isOver { events += try accumulator.took(data) }
        } catch { failure = error }
    }
}
