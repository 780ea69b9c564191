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

/// The bounds of what this target holds and takes.
package enum LMLimits {
    /// Open connections to one host: beyond, requests wait for one.
    package static let connectionsPerHost = 1_024
    /// The bytes of an answer; a stream's too.
    package static let answerBytes = 32 << 20
    /// The bytes of an answer that is an error: what is kept of it is less.
    package static let errorBytes = 1 << 20
    /// What is kept of the text an API sends with an error.
    package static let detailBytes = 1 << 10
    /// The bytes of one event of a stream.
    package static let eventBytes = 4 << 20
    /// The completions of one request.
    package static let completions = 64
    /// The tool calls of one completion.
    package static let toolCalls = 1_024
    /// The longest wait before the next try, whatever an API asks for: a longer one is an error.
    package static let longestWait = Duration.seconds(60)
}
