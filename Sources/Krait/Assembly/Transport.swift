import KraitPooling
import KraitWire
import KraitZeroMQ

/// The I/O thread and the ROUTER socket that all pools of a run share.
struct Transport: Sendable {
    let thread: IOThread
    let courier: Courier
    let endpoint: String

    /// Starts the thread and binds the socket in `folder`.
    static func open(in folder: String) async throws -> Transport {
        let thread = try IOThread(name: "krait-io")
        let endpoint = "ipc://\(folder)/router.sock"
        do {
            let courier = try await Courier.open(
                on: thread,
                endpoint: endpoint,
                maximumMessage: Limits.messageBytes,
                batch: Courier.Batch(
                    envelopes: Limits.envelopesPerMessage,
                    bytes: Limits.batchBytes
                )
            )
            return Transport(thread: thread, courier: courier, endpoint: endpoint)
        } catch {
            thread.stop()
            throw error
        }
    }

    /// Unbinds the socket and ends the thread; every pool must be gone.
    func close() async {
        await courier.close()
        thread.stop()
    }
}

extension IOThread: PoolExecutor {}
