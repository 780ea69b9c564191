import Glibc
import Krait
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// What the daemon tells a service manager, over real sockets.
@Suite(.timeLimit(.minutes(1))) struct ServiceNotifierTests {
    /// The manager's end: a bound datagram socket.
    private final class Receiver: Sendable {
        private let socket: Descriptor
        let name: String

        /// Binds at a path, or at an abstract name where it begins with `@`.
        init(_ name: String) throws {
            self.name = name
            let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            socket = try Descriptor(Glibc.socket(AF_UNIX, type, 0), "make a socket")
            socket.makeNonBlocking()
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let isAbstract = name.hasPrefix("@")
            let path = (isAbstract ? [0] : []) + Array(name.utf8.drop { $0 == UInt8(ascii: "@") })
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
            let length = isAbstract ? 2 + path.count : MemoryLayout<sockaddr_un>.size
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket.number, $0, socklen_t(length))
                }
            }
            guard code == 0 else { throw SystemError("bind \(name)") }
        }

        /// The next datagram; nil where none has come.
        func next() -> String? {
            guard let bytes = try? socket.read(upTo: 4_096) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private func named(_ name: String, _ more: [String: String] = [:]) -> ServiceNotifier? {
        ServiceNotifier(environment: ["NOTIFY_SOCKET": name].merging(more) { $1 }, process: 42)
    }

    @Test func `a notice is one datagram of lines`() throws {
        try withTemporaryDirectory { folder in
            let receiver = try Receiver("\(folder)/notify")
            let manager = try #require(named(receiver.name))
            #expect(manager.notify(.ready, .status("two\nlines")))
            #expect(receiver.next() == "READY=1\nSTATUS=two lines")
            #expect(receiver.next() == nil)
        }
    }

    @Test func `an abstract socket is reached as well`() throws {
        let receiver = try Receiver("@krait-\(getpid())-\(UInt32.random(in: 0 ... .max))")
        let manager = try #require(named(receiver.name))
        #expect(manager.notify(.stopping))
        #expect(receiver.next() == "STOPPING=1")
    }

    @Test func `a manager that is gone is no trouble`() throws {
        let manager = try #require(named("/nowhere/at/all"))
        #expect(manager.notify(.watchdog) == false)
        let long = try #require(named("/" + String(repeating: "x", count: 200)))
        #expect(long.notify(.watchdog) == false)
    }

    @Test(arguments: ["", "@", "/", "relative", "tcp://host"])
    func `what is no socket's name is no manager`(name: String) {
        #expect(named(name) == nil)
        #expect(ServiceNotifier(environment: [:]) == nil)
    }

    @Test(arguments: [
        (["WATCHDOG_USEC": "2000000"], 1_000),
        (["WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "42"], 1_000),
        (["WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "43"], nil),
        (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "-5"], nil),
        (["WATCHDOG_USEC": "soon"], nil), ([:], nil),
    ])
    func `it is assured at half of its patience, where it has one for this process`(
        variables: [String: String],
        milliseconds: Int?
    ) throws {
        let manager = try #require(named("/run/notify", variables))
        #expect(manager.watchdogInterval == milliseconds.map { .milliseconds($0) })
    }

    // MARK: The daemon

    /// Runs a daemon for as long as `body` does, which ends it.
    private func run(
        _ core: some DaemonCore,
        _ manager: ServiceNotifier,
        base: String,
        _ body: @escaping @Sendable (ControlClient) async throws -> Void
    ) async throws {
        let directory = try RunDirectory(name: "d", chosen: base, environment: [:])
        let claimed = try ClaimedRunDirectory(directory)
        let daemon = Daemon(
            core: core,
            record: DaemonRecord(identity: .current, run: "r", name: "d", version: "1"),
            logger: .none,
            report: { _ in },
            manager: manager
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            let listener = try UnixSocket.listen(at: directory.controlSocket, backlog: 4)
            let signals = TerminationSignals([])
            group.addTask { try await body(ControlClient(directory: directory)) }
            _ = try await daemon.run(listener: listener, signals: signals)
            try await group.waitForAll()
        }
        try claimed.remove()
    }

    @Test func `the manager hears of the start, the life and the end`() async throws {
        try await withTemporaryDirectory { base in
            let receiver = try Receiver("\(base)/notify")
            let manager = try #require(named(receiver.name, ["WATCHDOG_USEC": "2000"]))
            let heard = Lock([String]())
            let core = ScriptedCore(steps: [.step("pool p: ready"), .ready])
            @Sendable func take() -> [String] {
                while let next = receiver.next() { heard.withLock { $0.append(next) } }
                return heard.withLock(\.self)
            }
            try await run(core, manager, base: base) { client in
                #expect(await eventually { take().count { $0 == "WATCHDOG=1" } > 3 })
                _ = try? await client.ask(.stop(now: false), timeout: nil)
            }
            let told = take().filter { $0 != "WATCHDOG=1" }
            let expected = [
                "STATUS=pool p: ready", "READY=1\nSTATUS=ready",
                "STOPPING=1\nSTATUS=finishing the calls that run",
            ]
            #expect(told == expected)
        }
    }

    @Test func `a daemon whose pools do not answer is not said to live`() async throws {
        try await withTemporaryDirectory { base in
            let receiver = try Receiver("\(base)/notify")
            let manager = try #require(named(receiver.name, ["WATCHDOG_USEC": "2000"]))
            let core = HungCore()
            try await run(core, manager, base: base) { client in
                await core.isAsked.wait()
                let record = try await client.ping()
                #expect(record.name == "d")
                core.ends.open()
            }
            var told: [String] = []
            while let next = receiver.next() { told.append(next) }
            #expect(told == ["READY=1\nSTATUS=ready"])
        }
    }

    @Test func `a start that is given up is told as well`() async throws {
        try await withTemporaryDirectory { base in
            let receiver = try Receiver("\(base)/notify")
            let manager = try #require(named(receiver.name))
            let core = ScriptedCore(steps: [.step("pool p: importing")])
            try await run(core, manager, base: base) { client in
                _ = try? await client.ask(.stop(now: false), timeout: nil)
            }
            let told = [receiver.next(), receiver.next()]
            let last = "STOPPING=1\nSTATUS=giving up the start"
            #expect(told == ["STATUS=pool p: importing", last])
        }
    }
}

/// A core that is ready, and then never says how it is.
private struct HungCore: DaemonCore {
    let isAsked = Gate()
    let ends = Gate()

    func run(_ report: @escaping @Sendable (StartProgress) -> Void) async throws {
        report(.ready)
        await ends.wait()
    }

    func status() async -> Value {
        isAsked.open()
        await Gate().wait()
        return .null
    }

    func call(_ call: Call) async throws(CallError) -> Reply {
        throw CallError(.shuttingDown, "it hangs")
    }

    func stream(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) async throws(ControlFailure) -> Reply {
        throw .failed("it hangs")
    }

    func runPipeline(
        _ request: RunRequest,
        _ receive: (@Sendable (Value) async throws(ControlFailure) -> Void)?
    ) async throws(ControlFailure) -> Value {
        throw .failed("it hangs")
    }

    func pipelines(plan: String?) async throws(CallError) -> Value { .null }
    func runs(number: Int?) async throws(CallError) -> Value { .null }
    func sessions(id: String?, pool: String?) async throws(CallError) -> Value { .null }
    func explain(operation: String) async throws -> Value { .null }
    func lm(by grouping: LMLedger.Grouping, last: Int) async -> Value { .null }
    func steer(_ request: SteeringRequest) async throws(CallError) -> Value { .null }
    func drain() async {}
    func stop() async {}
}
