import CZeroMQ
import Glibc
import Krait
import KraitWorkers

/// The floors of large values: the same operations on bare shared memory, and raw ZeroMQ frames,
/// with nothing around them.
final class PayloadFloor {
    private let count: Int
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer
    private let folder: String
    private let memory: UnsafeMutableRawPointer
    private let frame: UnsafeMutableRawPointer
    private let process: pid_t
    private let lifeline: (reading: Int32, writing: Int32)

    /// What kept the floor from being measured.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// A floor for values of so many bytes.
    init(_ count: Int, python: String?) throws {
        self.count = count
        var template = Array("/tmp/krait-floor-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template), let context = zmq_ctx_new(),
            let socket = zmq_socket(context, ZMQ_PAIR)
        else { throw Failure(description: "no folder, or no socket") }
        folder = String(cString: made)
        self.context = context
        self.socket = socket
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        let segment = "/dev/shm/krait-floor-\(getpid())-\(random)"
        let file = open(segment, O_RDWR | O_CREAT | O_EXCL, 0o600)
        defer { Glibc.close(file) }
        guard file >= 0, posix_fallocate(file, 0, 2 * count) == 0,
            let memory = mmap(
                nil,
                2 * count,
                PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_POPULATE,
                file,
                0
            ), memory != MAP_FAILED
        else {
            unlink(segment)
            throw Failure(description: "no shared memory")
        }
        defer { unlink(segment) }
        self.memory = memory
        frame = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4_096)
        memset(frame, 7, count)
        memset(memory, 7, count)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe") }
        lifeline = (ends[0], ends[1])
        let endpoint = "ipc://\(folder)/floor.sock"
        var patience: Int32 = 60_000
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, 4)
        guard zmq_bind(socket, endpoint) == 0 else { throw Failure(description: "no bind") }
        let environment = try PythonEnvironment.find(
            named: python,
            environment: ProcessEnvironment.all(),
            from: ProcessEnvironment.workingFolder()
        )
        process = try spawn(
            environment.interpreter,
            ["-m", "krait_worker.bench.payload_floor", endpoint, segment, "\(count)"],
            environment: ProcessEnvironment.all(),
            descriptors: [lifeline.reading, STDERR_FILENO, STDERR_FILENO]
        )
        _ = try receive()
    }

    func close() {
        send("stop")
        var status: Int32 = 0
        waitpid(process, &status, 0)
        Glibc.close(lifeline.reading)
        Glibc.close(lifeline.writing)
        munmap(memory, 2 * count)
        frame.deallocate()
        zmq_close(socket)
        zmq_ctx_term(context)
        unlink("\(folder)/floor.sock")
        rmdir(folder)
    }

    /// Data in place, copied once by the worker, the result looked at in place.
    func copy() throws {
        send("copy")
        _ = try receive()
        let result = memory + count
        guard result.load(as: UInt8.self) == 7,
            result.load(fromByteOffset: count - 1, as: UInt8.self) == 7
        else { throw Failure(description: "not what was copied") }
    }

    /// Only looked at.
    func view() throws {
        send("view")
        guard try receive() == 4 else { throw Failure(description: "not what was there") }
    }

    /// As a frame there and back, without a copy at either end.
    func frames() throws {
        zmq_send(socket, "frame", 5, ZMQ_SNDMORE)
        var message = zmq_msg_t()
        zmq_msg_init_data(&message, frame, count, { _, _ in }, nil)
        guard zmq_msg_send(&message, socket, 0) >= 0, try receive() == count else {
            throw Failure(description: "not the frame that was sent")
        }
    }

    private func send(_ text: String) { zmq_send(socket, text, text.utf8.count, 0) }

    /// Receives a frame, and says how long it is.
    private func receive() throws -> Int {
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        guard zmq_msg_recv(&message, socket, 0) >= 0 else {
            throw Failure(description: "the floor's worker is silent")
        }
        return zmq_msg_size(&message)
    }
}
