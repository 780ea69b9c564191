import Glibc
import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitCommand
@testable import KraitControl

/// Who may command a daemon, and whom a command entrusts a call to.
@Suite(.timeLimit(.minutes(1))) struct SocketPeerTests {
    @Test(arguments: [
        (peer: uid_t(1000), daemon: uid_t(1000), is: true), (0, 1000, true), (0, 0, true),
        (1001, 1000, false), (1000, 0, false), (.max, 1000, false),
    ])
    func `the daemon's user and root may command it`(peer: uid_t, daemon: uid_t, is: Bool) {
        #expect(SocketPeer(pid: 7, user: peer).mayCommand(daemonOf: daemon) == `is`)
    }

    @Test(arguments: [
        (daemon: uid_t(1000), user: uid_t(1000), wasChosen: false, is: true),
        (0, 1000, false, true),
        (1001, 1000, true, false), (1001, 1000, false, false),
        // What lies at root's usual place is not to be another's.
        (1000, 0, false, false), (1000, 0, true, true),
    ])
    func `a command trusts its own user's daemon and root's`(
        daemon: uid_t,
        user: uid_t,
        wasChosen: Bool,
        is: Bool
    ) {
        let peer = SocketPeer(pid: 7, user: daemon)
        #expect(peer.isTrusted(by: user, wasChosen: wasChosen) == `is`)
    }

    @Test func `the kernel says who is at the other end`() throws {
        try withTemporaryDirectory { base in
            let listener = try UnixSocket.listen(at: "\(base)/s", backlog: 1)
            let client = try UnixSocket.connect(to: "\(base)/s")
            let own = SocketPeer(pid: getpid(), user: geteuid())
            guard let server = try UnixSocket.accept(listener) else {
                Issue.record("nobody was accepted")
                return
            }
            #expect(SocketPeer(of: server) == own)
            #expect(SocketPeer(of: client) == own)
        }
    }

    @Test func `nothing is known of what is no socket`() throws {
        let pipe = try Descriptor.pipe()
        #expect(SocketPeer(of: pipe.reading) == nil)
    }

    @Test func `another user's process gets one line and is told of, and others are served on`()
        async throws
    {
        try await withTemporaryDirectory { base in
            let log = MemoryLogHandler()
            let events = EventSink(logger: Logger(label: "krait", handler: log))
            // This process is not root's and not the daemon's, as far as the daemon knows.
            let user = geteuid() + 1
            try await withServer(ScriptedCore(), base: base, user: user, events: events) {
                directory in
                let client = try RawClient(directory.controlSocket)
                if geteuid() == 0 {
                    try client.send(#"{"id":1,"verb":"ping"}"# + "\n")
                    #expect(try await client.line()?.contains(#""id":1,"ok""#) == true)
                } else {
                    #expect(try await client.line()?.contains(#""code":"forbidden""#) == true)
                    #expect(try await client.line() == nil)
                    #expect(log.records.map(\.message) == ["control.refused"])
                }
            }
        }
    }

    /// Root alone can become another user to try it.
    @Test(.enabled(if: geteuid() == 0))
    func `another user's real process is refused and costs nothing`() async throws {
        try await withTemporaryDirectory { base in
            let log = MemoryLogHandler()
            let events = EventSink(logger: Logger(label: "krait", handler: log))
            try await withServer(ScriptedCore(), base: base, events: events) { directory in
                // The folder is what keeps others out; here it is opened to try the second guard.
                for path in [base, directory.path] { chmod(path, 0o755) }
                chmod(directory.controlSocket, 0o666)
                let script = """
                    import os, socket, sys
                    os.setgid(65534); os.setuid(65534)
                    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
                    try: s.sendall(b'{"id":1,"verb":"stop"}\\n')
                    except OSError: pass
                    try:
                        while (got := s.recv(4096)): sys.stdout.write(got.decode())
                    except ConnectionResetError: pass
                    """
                let run = try await ProgramRun.run(
                    "python3",
                    ["-c", script, directory.controlSocket],
                    timeout: .seconds(30)
                )
                #expect(run.end == .exited(0))
                let said = String(decoding: run.output, as: UTF8.self)
                #expect(said.contains(#""code":"forbidden""#), "\(said)")
                #expect(said.contains("may command this daemon"))
                let refused = log.records.filter { $0.message == "control.refused" }
                #expect(refused.count == 1)
                let reason = refused.first.map { "\($0.metadata)" } ?? ""
                #expect(reason.contains("user 65534"), "\(reason)")
                let own = try RawClient(directory.controlSocket)
                try own.send(#"{"id":2,"verb":"ping"}"# + "\n")
                #expect(try await own.line()?.contains(#""id":2,"ok""#) == true)
            }
        }
    }

    @Test func `a command says nothing to another user's daemon`() async throws {
        let error = ControlClientError.stranger("/tmp/krait-7/default/control.sock", user: 1001)
        #expect(error.description.contains("belongs to user 1001, so nothing was sent to it"))
    }
}
