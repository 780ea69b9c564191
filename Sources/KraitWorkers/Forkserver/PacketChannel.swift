import CProcessSupport
import Glibc
import KraitWire
import KraitZeroMQ

/// Krait's end of the control channel to a forkserver: JSON objects, one a packet.
///
/// Lives on its I/O thread. Closing it ends the forkserver, and with it every worker it made.
final class PacketChannel {
    private let thread: IOThread
    private let socket: Int32
    private var watch: WatchToken?
    private let onMessage: (Value) -> Void

    private static let packetBytes = 64 << 10

    /// Takes over a non-blocking SOCK_SEQPACKET socket.
    init(_ socket: Int32, on thread: IOThread, onMessage: @escaping (Value) -> Void) throws {
        self.thread = thread
        self.socket = socket
        self.onMessage = onMessage
        do {
            watch = try thread.watch(socket) { [weak self] in self?.readAll() }
        } catch {
            Glibc.close(socket)
            throw error
        }
    }

    /// Sends a message, with descriptors for the other side, which keeps copies of them.
    func send(_ message: Value, descriptors: [Int32] = []) throws(LaunchError) {
        let bytes: [UInt8]
        do {
            bytes = try Codec.json.encode(message)
        } catch {
            throw LaunchError(
                "a message to the forkserver cannot be written: \(error)",
                isFinal: true
            )
        }
        guard bytes.count <= Self.packetBytes else {
            throw LaunchError(
                "the adapter's options take \(bytes.count) bytes, more than the "
                    + "\(Self.packetBytes) that fit; put large settings into a file",
                isFinal: true
            )
        }
        let sent = krait_send_packet(
            socket,
            bytes,
            bytes.count,
            descriptors,
            Int32(descriptors.count)
        )
        guard sent == bytes.count else {
            let error = String(cString: strerror(errno))
            throw LaunchError("the forkserver takes no messages: \(error)", isFinal: false)
        }
    }

    /// Takes in what has arrived.
    ///
    /// The end of file is not told: the process's exit is.
    func readAll() {
        var buffer = [UInt8](repeating: 0, count: Self.packetBytes)
        while watch != nil {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                // What cannot be read is told as null, which is no message of the protocol.
                let message = buffer[..<count].withUnsafeBytes { try? Codec.json.decode($0) }
                onMessage(message ?? .null)
            } else if count < 0, errno == EINTR {
                continue
            } else {
                if count == 0 { stopWatching() }
                return
            }
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        stopWatching()
        Glibc.close(socket)
    }
    private var isClosed = false

    private func stopWatching() {
        if let watch { thread.unwatch(watch) }
        watch = nil
    }
}
