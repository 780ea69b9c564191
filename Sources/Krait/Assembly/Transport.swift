import KraitObservability
import KraitPooling
import KraitWire
import KraitZeroMQ

/// An I/O thread and a ROUTER socket on it.
///
/// All pools of a run share one, on a socket file; a pool with an endpoint of its own has one more
/// socket on the same thread.
struct Transport: Sendable {
    let thread: IOThread
    let courier: Courier
    let endpoint: String
    /// The public half of the socket's CURVE keys, which workers know it by; TCP has always some.
    let publicKey: String?

    /// Starts the thread and binds the socket in `folder`.
    ///
    /// `largestPayload` is how many bytes a pool may be sent beside a body.
    static func open(
        in folder: String,
        largestPayload: Int,
        events: EventSink
    ) async throws -> Transport {
        let thread = try IOThread(name: "krait-io")
        do {
            return try await bind(
                "ipc://\(folder)/router.sock",
                on: thread,
                keys: nil,
                largestPayload,
                events
            )
        } catch {
            thread.stop()
            throw error
        }
    }

    /// Binds one more socket on the same thread, with these keys or some drawn for this run.
    func bound(
        to endpoint: String,
        keys: CurveKeys?,
        largestPayload: Int,
        events: EventSink
    ) async throws -> Transport {
        let keys = try keys ?? .generate()
        return try await Self.bind(endpoint, on: thread, keys: keys, largestPayload, events)
    }

    private static func bind(
        _ endpoint: String,
        on thread: IOThread,
        keys: CurveKeys?,
        _ largestPayload: Int,
        _ events: EventSink
    ) async throws -> Transport {
        let courier = try await Courier.open(
            on: thread,
            endpoint: endpoint,
            maximumMessage: max(Limits.messageBytes, largestPayload),
            batch: Courier.Batch(
                envelopes: Limits.envelopesPerMessage,
                bytes: Limits.batchBytes
            ),
            keys: keys
        )
        await courier.reportStrays(every: .seconds(1)) { count in
            let who = "from peers that are no workers of this run, or no longer"
            events.emit(.messageRefused, metadata: [.reason: "\(who)", .count: .integer(count)])
        }
        return Transport(
            thread: thread,
            courier: courier,
            endpoint: await courier.endpoint ?? endpoint,
            publicKey: keys?.publicKey
        )
    }

    /// Unbinds the socket and ends the thread; every pool must be gone.
    func close() async {
        await courier.close()
        thread.stop()
    }

    /// Unbinds the socket alone.
    func unbind() async { await courier.close() }
}

extension IOThread: PoolExecutor {}
