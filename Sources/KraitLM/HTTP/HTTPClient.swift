import KraitObservability

/// Sends requests over connections that are kept: one thread moves any number of them.
///
/// Its end of life ends what is on its way.
final class HTTPClient: Sendable {
    private let engine: HTTPEngine
    private let numbers = Lock(UInt64(0))

    /// Nil where the machine has no thread for it.
    init?(connectionsPerHost: Int = LMLimits.connectionsPerHost) {
        guard let engine = HTTPEngine(connectionsPerHost: connectionsPerHost) else { return nil }
        self.engine = engine
    }

    deinit { engine.stop() }

    /// Sends a request; what comes back is read from the transfer.
    func send(_ request: HTTPRequest) -> HTTPTransfer {
        let id = numbers.withLock { number in
            number += 1
            return number
        }
        let transfer = HTTPTransfer(id: id, engine: engine)
        engine.begin(id, request, transfer.inlet)
        return transfer
    }
}
