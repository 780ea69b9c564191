import CZeroMQ
import Glibc

/// A bound ROUTER socket.
///
/// Not sendable: only the thread that owns it can reach it.
package final class RouterSocket {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    /// The file of an ipc endpoint, which libzmq leaves behind.
    private let file: String?
    package let endpoint: String
    /// Who is let in; nil where everybody who can reach the socket is.
    let admission: Admission?
    /// Turns readable when the socket has something to say; edge-triggered, as libzmq has it.
    let descriptor: Int32

    /// Binds a socket to an endpoint, `ipc://…` or `tcp://…`.
    ///
    /// - Parameters:
    ///   - highWater: how many messages libzmq holds for one peer before a send is refused.
    ///   - maximumMessage: a peer that sends a larger frame is disconnected.
    ///   - keys: the CURVE keys of this side; with them only peers that were admitted are let in.
    ///     TCP is refused without: anybody on the network could be a worker.
    package init(
        endpoint: String,
        highWater: Int32 = 10_000,
        maximumMessage: Int64,
        keys: CurveKeys? = nil
    ) throws {
        guard keys != nil || !endpoint.hasPrefix("tcp:") else {
            throw ZeroMQError(action: "bind \(endpoint) without CURVE keys", number: EACCES)
        }
        guard let context = zmq_ctx_new() else { throw ZeroMQError.last("make a context") }
        guard let socket = zmq_socket(context, ZMQ_ROUTER) else {
            let error = ZeroMQError.last("make a ROUTER socket")
            zmq_ctx_term(context)
            throw error
        }
        self.context = context
        self.socket = socket
        let prefix = "ipc://"
        file = endpoint.hasPrefix(prefix) ? String(endpoint.dropFirst(prefix.count)) : nil
        var admission: Admission?
        do {
            // libzmq would take an ipc endpoint away from whoever serves it.
            if let file, Self.isServed(file) {
                throw ZeroMQError(action: "bind \(endpoint)", number: EADDRINUSE)
            }
            try Self.set(socket, ZMQ_ROUTER_MANDATORY, Int32(1))
            try Self.set(socket, ZMQ_LINGER, Int32(0))
            try Self.set(socket, ZMQ_SNDHWM, highWater)
            try Self.set(socket, ZMQ_RCVHWM, highWater)
            try Self.set(socket, ZMQ_MAXMSGSIZE, maximumMessage)
            if let keys {
                admission = try Admission(context: context)
                try Self.set(socket, ZMQ_CURVE_SERVER, Int32(1))
                try Self.set(socket, ZMQ_CURVE_SECRETKEY, text: keys.secretKey)
                try Self.set(socket, ZMQ_ZAP_DOMAIN, text: "krait")
                try Self.set(socket, ZMQ_HANDSHAKE_IVL, Int32(10_000))
            }
            guard zmq_bind(socket, endpoint) == 0 else {
                throw ZeroMQError.last("bind \(endpoint)")
            }
            descriptor = try Self.readDescriptor(socket)
            self.endpoint = try Self.boundEndpoint(socket)
            self.admission = admission
        } catch {
            admission?.close()
            zmq_close(socket)
            zmq_ctx_term(context)
            throw error
        }
    }

    deinit {
        admission?.close()
        zmq_close(socket)
        zmq_ctx_term(context)
        if let file { unlink(file) }
    }

    /// What became of a send.
    enum SendResult: Equatable {
        case sent
        /// No such peer is connected.
        case unroutable
        /// The peer's queue is full, or the socket failed.
        case refused(Int32)
    }

    /// Sends one frame to a peer, copying it, and others behind it without a copy.
    ///
    /// Never blocks.
    func send(
        _ bytes: UnsafeRawBufferPointer,
        with frames: ArraySlice<OutgoingFrame> = [],
        to peer: [UInt8]
    ) -> SendResult {
        let routed = peer.withUnsafeBytes { sendFrame($0, ZMQ_DONTWAIT | ZMQ_SNDMORE) }
        guard routed == 0 else { return routed == EHOSTUNREACH ? .unroutable : .refused(routed) }
        // Having accepted the routing id, a ROUTER takes the frames that follow.
        let sent = sendFrame(bytes, ZMQ_DONTWAIT | (frames.isEmpty ? 0 : ZMQ_SNDMORE))
        guard sent == 0 else { return .refused(sent) }
        for (index, frame) in zip(frames.indices, frames) {
            let isLast = index == frames.endIndex - 1
            let sent = frame.send(on: socket, ZMQ_DONTWAIT | (isLast ? 0 : ZMQ_SNDMORE))
            guard sent == 0 else { return .refused(sent) }
        }
        return .sent
    }

    private func sendFrame(_ bytes: UnsafeRawBufferPointer, _ flags: Int32) -> Int32 {
        while zmq_send(socket, bytes.baseAddress, bytes.count, flags) < 0 {
            let error = zmq_errno()
            if error != EINTR { return error }
        }
        return 0
    }

    /// A message as it arrived: who sent it, and its frames.
    struct Message {
        var peer: [UInt8]
        var frame: ReceivedFrame
        var attachments: [ReceivedFrame]
        /// Whether whoever sent it may speak under this name: the one its key was handed out for.
        var isFromWhomItSays = true
        /// Whether its key is one that several may have, who draw names of their own.
        var isGuest = false
    }

    /// A worker's name, or that of its pulse; of a key for guests, whatever begins with it.
    private static func isName(_ peer: [UInt8], of user: String) -> Bool {
        if user.utf8.last == Admission.guestMark {
            return peer.count > user.utf8.count && peer.starts(with: user.utf8)
        }
        return peer.elementsEqual(user.utf8) || peer.elementsEqual((user + "!").utf8)
    }

    /// Receives one message, or nil where none is waiting.
    ///
    /// Never blocks.
    func receive(maximumAttachments: Int) throws -> Message? {
        guard let identity = try receiveFrame() else { return nil }
        let peer = identity.withUnsafeBytes { Array($0) }
        guard hasMore, let frame = try receiveFrame() else {
            // A DEALER cannot send a message without a frame; an empty one stands for it.
            return Message(peer: peer, frame: identity, attachments: [])
        }
        var attachments: [ReceivedFrame] = []
        while hasMore, let attachment = try receiveFrame() {
            // What is beyond the limit is read off and not kept; the count then fails to match.
            if attachments.count < maximumAttachments { attachments.append(attachment) }
        }
        var message = Message(peer: peer, frame: frame, attachments: attachments)
        if admission != nil {
            let user = frame.user
            message.isFromWhomItSays = user.map { Self.isName(peer, of: $0) } ?? false
            message.isGuest = user?.utf8.last == Admission.guestMark
        }
        return message
    }

    private var hasMore = false

    private func receiveFrame() throws -> ReceivedFrame? {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        zmq_msg_init(message)
        while zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0 {
            let error = zmq_errno()
            if error == EINTR { continue }
            zmq_msg_close(message)
            message.deallocate()
            if error == EAGAIN { return nil }
            throw ZeroMQError(action: "receive on \(endpoint)", number: error)
        }
        hasMore = zmq_msg_more(message) != 0
        return ReceivedFrame(taking: message)
    }

    /// Whether somebody takes connections at a socket's file; one left behind by the dead is free.
    private static func isServed(_ file: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(file.utf8)
        // What is too long, libzmq refuses by itself.
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let probe = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard probe >= 0 else { return false }
        defer { Glibc.close(probe) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    private static func set<Option>(
        _ socket: UnsafeMutableRawPointer,
        _ name: Int32,
        _ value: Option
    ) throws {
        let result = withUnsafeBytes(of: value) {
            zmq_setsockopt(socket, name, $0.baseAddress, $0.count)
        }
        guard result == 0 else { throw ZeroMQError.last("set socket option \(name)") }
    }

    private static func set(
        _ socket: UnsafeMutableRawPointer,
        _ name: Int32,
        text: String
    ) throws {
        guard zmq_setsockopt(socket, name, text, text.utf8.count) == 0 else {
            throw ZeroMQError.last("set socket option \(name)")
        }
    }

    /// The endpoint with the port that a `*` stood for.
    private static func boundEndpoint(_ socket: UnsafeMutableRawPointer) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        var size = bytes.count
        guard zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, &bytes, &size) == 0 else {
            throw ZeroMQError.last("read the socket's endpoint")
        }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func readDescriptor(_ socket: UnsafeMutableRawPointer) throws -> Int32 {
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        guard zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size) == 0 else {
            throw ZeroMQError.last("read the socket's descriptor")
        }
        return descriptor
    }
}
