import Glibc
import Krait
import KraitTestSupport
import KraitWorkers
import Testing

/// That a daemon which has served much and lost many workers holds no more than at its start.
@Suite(.timeLimit(.minutes(3))) struct LeakTests {
    @Test func `calls and crashes leave no descriptor and no shared memory behind`() async throws {
        try await CommandLab.open { lab in
            let daemon = try await lab.detach("--pool", "echo=echo:8x4")
            let control = try ControlLine("\(lab.runDirectory)/default/control.sock")
            // What is made at the first call and kept, such as the connection of this test.
            _ = try await control.ask([Self.request("echo", ["n": 0])])
            let before = held(by: daemon)
            for _ in 0..<10 {
                let calls = (0..<500).map { Self.request("echo", ["n": .int($0)]) }
                let answers = try await control.ask(calls)
                #expect(answers.count { $0["ok"] != nil } == 500)
            }
            // By hand: calls that end their workers are soon refused.
            for number in 0..<20 {
                // Those that were killed lately come back after a pause.
                #expect(try await eventually { try await !readyWorkers(control).isEmpty })
                let workers = try await readyWorkers(control)
                let victim = try #require(workers.dropFirst(number % max(1, workers.count)).first)
                kill(victim, SIGKILL)
                #expect(
                    try await eventually { try await !readyWorkers(control).contains(victim) }
                )
            }
            let isWhole = try await eventually { try await readyWorkers(control).count == 8 }
            #expect(isWhole)
            // The last descriptors of a worker are closed right after its successor has begun.
            var after = held(by: daemon)
            _ = await eventually {
                after = held(by: daemon)
                return after == before
            }
            #expect(after == before)
            try await lab.krait("stop")
        }
    }

    private static func request(_ operation: String, _ arguments: ValueMap) -> ValueMap {
        ["verb": "call", "operation": .string(operation), "arguments": .map(arguments)]
    }

    /// The processes of the workers that are ready.
    private func readyWorkers(_ control: ControlLine) async throws -> [pid_t] {
        let answers = try await control.ask([["verb": "status"]])
        let workers = answers.first?["ok"]?["pools"]?.list?.first?["workers"]?.list ?? []
        return workers.compactMap { worker in
            worker["state"] == "ready" ? worker["pid"]?.int.map(pid_t.init) : nil
        }
    }

    /// The kinds of the daemon's descriptors with how many there are, and of its shared memory.
    private func held(by daemon: pid_t) -> [String: Int] {
        let folder = "/proc/\(daemon)/fd"
        var counts = ["shared memory": CommandLab.sharedMemory(of: daemon).count]
        for name in SmallFile.names(in: folder) {
            var target = [CChar](repeating: 0, count: 256)
            guard readlink("\(folder)/\(name)", &target, target.count - 1) > 0 else { continue }
            let text = String(decoding: target.map(UInt8.init(bitPattern:)), as: UTF8.self)
            counts[String(text.prefix { $0 != ":" && $0 != "\0" }), default: 0] += 1
        }
        return counts
    }
}

/// A connection to a daemon's control socket: JSON objects, one a line.
final class ControlLine: Sendable {
    private let socket: Int32

    init(_ path: String) throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < 108)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(code == 0, "\(path): \(String(cString: strerror(errno)))")
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    }

    deinit { close(socket) }

    /// Sends requests, and waits for as many answers, in whatever order.
    func ask(_ requests: [ValueMap]) async throws -> [Value] {
        var lines: [UInt8] = []
        for (number, request) in requests.enumerated() {
            var request = request
            request["id"] = .int(Int64(number))
            lines += Array(try Value.map(request).json().utf8) + [UInt8(ascii: "\n")]
        }
        var unsent = lines[...]
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let newline = UInt8(ascii: "\n")
        let isDone = await eventually(within: .seconds(60)) {
            if !unsent.isEmpty {
                let count = unsent.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) }
                if count > 0 { unsent = unsent.dropFirst(count) }
            }
            let count = read(socket, &buffer, buffer.count)
            if count > 0 { received += buffer[..<count] }
            return unsent.isEmpty && received.last == newline
                && received.count { $0 == newline } == requests.count
        }
        try #require(isDone, "\(received.count { $0 == newline }) of \(requests.count) answers")
        return try received.split(separator: newline).map {
            try Value(json: String(decoding: $0, as: UTF8.self))
        }
    }
}
