import CZeroMQ

/// Says to libzmq which peers of a CURVE socket are let in: those whose public key was handed out.
///
/// It is ZeroMQ's authentication handler (ZAP, RFC 27), of one context and on the socket's own
/// thread. A peer that is let in has its worker's name as user id, which libzmq then gives with
/// each of its messages; so it can be held to speak under that name alone.
///
/// What comes is checked as if anybody could have sent it, and anything odd is a refusal.
final class Admission: IOSource {
    private let socket: UnsafeMutableRawPointer
    let descriptor: Int32
    /// Names by public key, the key as its 32 bytes.
    private var names: [[UInt8]: String] = [:]
    private(set) var refused = 0
    private var isClosed = false
    /// Told of each refusal.
    var onRefusal: (() -> Void)?

    /// A name that ends with it is not one worker's: who has its key draws a name that begins so.
    static let guestMark = UInt8(ascii: "@")

    private static let endpoint = "inproc://zeromq.zap.01"
    private static let mostFrames = 16
    private static let requestsPerTurn = 64

    /// Begins to answer in a context; the sockets it guards are bound after.
    init(context: UnsafeMutableRawPointer) throws(ZeroMQError) {
        guard let socket = zmq_socket(context, ZMQ_REP) else {
            throw .last("make an admission socket")
        }
        var linger: Int32 = 0
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        var descriptor: Int32 = -1
        var size = MemoryLayout<Int32>.size
        guard zmq_bind(socket, Self.endpoint) == 0,
            zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size) == 0
        else {
            let error = ZeroMQError.last("bind \(Self.endpoint)")
            zmq_close(socket)
            throw error
        }
        self.socket = socket
        self.descriptor = descriptor
    }

    /// Ends the answering, once; the context cannot end before.
    func close() {
        isClosed = true
        zmq_close(socket)
    }

    /// Lets whoever proves to have this key's secret half in, under that name.
    func admit(_ publicKey: String, as name: String) {
        if let key = Self.bytes(of: publicKey) { names[key] = name }
    }

    /// Lets nobody in by this key any more.
    func revoke(_ publicKey: String) {
        if let key = Self.bytes(of: publicKey) { names[key] = nil }
    }

    private static func bytes(of publicKey: String) -> [UInt8]? {
        guard publicKey.utf8.count == 40 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, publicKey) == nil ? nil : bytes
    }

    // MARK: Requests

    func flush() {}

    func receive() -> Int {
        var count = 0
        while !isClosed, count < Self.requestsPerTurn, let request = next() {
            count += 1
            answer(request)
        }
        return count
    }

    private func next() -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        repeat {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0 else { return nil }
            let bytes = UnsafeRawBufferPointer(
                start: zmq_msg_data(&message),
                count: zmq_msg_size(&message)
            )
            if frames.count < Self.mostFrames { frames.append(Array(bytes)) }
            if zmq_msg_more(&message) == 0 { return frames }
        } while true
    }

    private func answer(_ request: [[UInt8]]) {
        let name = Self.key(in: request).flatMap { names[$0] }
        if name == nil {
            refused += 1
            onRefusal?()
        }
        let number = request.count > 1 ? request[1] : []
        let status = name == nil ? "400" : "200"
        let text = name == nil ? "not one of this run's workers" : "OK"
        let words = [status, text, name ?? "", ""]
        let reply = [Array("1.0".utf8), number] + words.map { Array($0.utf8) }
        for (index, frame) in reply.enumerated() {
            let more = index + 1 < reply.count ? ZMQ_SNDMORE : 0
            zmq_send(socket, frame, frame.count, more | ZMQ_DONTWAIT)
        }
    }

    /// The public key that a request is about: nil where it is not one of CURVE's.
    ///
    /// Frames: version, request id, domain, address, routing id, mechanism, credentials.
    static func key(in request: [[UInt8]]) -> [UInt8]? {
        guard request.count == 7, request[0].elementsEqual("1.0".utf8),
            request[5].elementsEqual("CURVE".utf8), request[6].count == 32
        else { return nil }
        return request[6]
    }
}
