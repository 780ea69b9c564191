import CZeroMQ
import Glibc
import Krait
import KraitWire
import KraitWorkers

/// The floor of an echo: one bare thread that drives a ROUTER socket, one call in a message,
/// against Python workers that do nothing but receive, decode, dispatch, encode and send.
///
/// It codes as Krait does (arguments encoded and replies decoded, for every call), and has nothing
/// else: no pool, no deadlines, no concurrency.
final class EchoFloor {
    private let settings: EchoBench.Settings
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    private let folder: String
    private var workers: [(identity: [UInt8], process: pid_t)] = []
    /// The standard input of all workers: they end when it does, whatever becomes of this process.
    private let lifeline: (reading: Int32, writing: Int32)

    /// What kept the floor from being measured.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    init(_ settings: EchoBench.Settings) throws {
        self.settings = settings
        var template = Array("/tmp/krait-floor-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw Failure(description: "no folder can be made in /tmp")
        }
        folder = String(cString: made)
        guard let context = zmq_ctx_new(), let socket = zmq_socket(context, ZMQ_ROUTER) else {
            throw Failure(description: "no ROUTER socket")
        }
        self.context = context
        self.socket = socket
        // No limit: at the default of 1,000 messages a ROUTER would drop what is beyond.
        var highWater: Int32 = 0
        zmq_setsockopt(socket, ZMQ_SNDHWM, &highWater, 4)
        zmq_setsockopt(socket, ZMQ_RCVHWM, &highWater, 4)
        var patience: Int32 = 10_000
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, 4)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe") }
        lifeline = (ends[0], ends[1])
        let endpoint = "ipc://\(folder)/floor.sock"
        guard zmq_bind(socket, endpoint) == 0 else { throw Failure(description: "no bind") }
        let python = try PythonEnvironment.find(
            named: settings.python,
            environment: ProcessEnvironment.all(),
            from: ProcessEnvironment.workingFolder()
        )
        for number in 0..<settings.workers {
            try start("floor-\(number)", python.interpreter, endpoint)
        }
        for _ in workers { _ = try receive { _, _ in } }
    }

    func close() {
        for worker in workers {
            send(Array("stop".utf8), to: worker.identity)
        }
        for worker in workers {
            var status: Int32 = 0
            waitpid(worker.process, &status, 0)
        }
        workers = []
        Glibc.close(lifeline.reading)
        Glibc.close(lifeline.writing)
        zmq_close(socket)
        zmq_ctx_term(context)
        unlink("\(folder)/floor.sock")
        rmdir(folder)
    }

    /// Keeps the window full for the time set.
    func measure() throws -> EchoBench.Figures {
        var latencies: [Duration] = []
        var sentAt = [ContinuousClock.Instant](repeating: .now, count: settings.window)
        let start = ContinuousClock.now
        let end = start + settings.duration
        for call in 0..<settings.window {
            sentAt[call] = .now
            try sendCall(call, to: workers[call % workers.count].identity)
        }
        var inFlight = settings.window
        while inFlight > 0 {
            var call = 0
            let peer = try receive { header, body in
                call = Int(header.callID)
                let value = try settings.codec.decode(body)
                guard value["id"] == EchoBench.arguments["id"] else {
                    throw EchoBench.WrongAnswer()
                }
            }
            let now = ContinuousClock.now
            latencies.append(sentAt[call].duration(to: now))
            if now < end {
                sentAt[call] = now
                try sendCall(call, to: peer)
            } else {
                inFlight -= 1
            }
        }
        return EchoBench.Figures(latencies, in: start.duration(to: .now))
    }

    /// Has one worker stream so many numbers, each a message of its own; how many came a second.
    func measureStream(_ chunks: Int) throws -> Double {
        var call = try settings.codec.encodeCall(
            operation: "count",
            arguments: ["n": .int(Int64(chunks))],
            options: [:]
        )
        EnvelopeHeader.patch(&call, callID: 1, remaining: 0)
        let start = ContinuousClock.now
        send(call, to: workers[0].identity)
        for number in 0..<chunks {
            _ = try receive { header, body in
                guard try settings.codec.decode(body).int == number else {
                    throw EchoBench.WrongAnswer()
                }
            }
        }
        return Double(chunks) / (start.duration(to: .now) / .seconds(1))
    }

    private func sendCall(_ id: Int, to identity: [UInt8]) throws {
        var envelope = try settings.codec.encodeCall(
            operation: "echo",
            arguments: EchoBench.arguments,
            options: [:]
        )
        EnvelopeHeader.patch(&envelope, callID: UInt64(id), remaining: 0)
        send(envelope, to: identity)
    }

    private func send(_ bytes: [UInt8], to identity: [UInt8]) {
        zmq_send(socket, identity, identity.count, ZMQ_SNDMORE)
        zmq_send(socket, bytes, bytes.count, 0)
    }

    /// Receives one message, and gives back who sent it.
    private func receive(
        _ body: (EnvelopeHeader, UnsafeRawBufferPointer) throws -> Void
    ) throws -> [UInt8] {
        var identity = [UInt8](repeating: 0, count: 64)
        let length = zmq_recv(socket, &identity, identity.count, 0)
        guard length >= 0 else { throw Failure(description: "the floor's workers are silent") }
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        guard zmq_msg_recv(&message, socket, 0) >= 0 else {
            throw Failure(description: "a message without a frame")
        }
        let bytes = UnsafeRawBufferPointer(
            start: zmq_msg_data(&message),
            count: zmq_msg_size(&message)
        )
        if bytes.count >= EnvelopeHeader.size {
            let header = try EnvelopeHeader(reading: bytes)
            try body(header, UnsafeRawBufferPointer(rebasing: bytes[EnvelopeHeader.size...]))
        }
        return Array(identity[..<Int(length)])
    }

    private func start(_ identity: String, _ python: String, _ endpoint: String) throws {
        let process = try spawn(
            python,
            ["-m", "krait_worker.bench.floor", endpoint, identity, settings.codec.name],
            environment: ProcessEnvironment.all(),
            descriptors: [lifeline.reading, STDERR_FILENO, STDERR_FILENO]
        )
        workers.append((Array(identity.utf8), process))
    }
}
