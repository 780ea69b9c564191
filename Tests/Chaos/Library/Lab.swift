import Glibc
import KraitTestSupport

/// Where a run takes place: a folder, the daemon, the language model's server, and a keeper that
/// takes all of it away whatever becomes of this process.
package final class Lab {
    package struct Places: Sendable {
        /// The repository's root.
        package var root: String
        package var krait: String
        package var python: String

        /// The places beside this program, as the doors set them up.
        package init(environment: [String: String]) {
            let file = #filePath.split(separator: "/")
            root = "/" + file.dropLast(4).joined(separator: "/")
            krait =
                ownProgram[..<(ownProgram.lastIndex(of: "/") ?? ownProgram.startIndex)] + "/krait"
            python = environment["KRAIT_PYTHON"] ?? "\(root)/.venv"
        }

        package var scripts: String { "\(root)/Tests/Chaos/Python" }

        /// The interpreter itself, where `python` may be a virtual environment's folder.
        package var interpreter: String {
            let inside = "\(python)/bin/python"
            return access(inside, X_OK) == 0 ? inside : python
        }
    }

    package let places: Places
    package let folder: String
    package let mark: ProcessTable.Mark
    package let hasMounts: Bool
    package private(set) var daemon: ProcessEntry?
    private var server: Child?
    private var serverPort = 0
    private let keeper: Child
    /// Its closing, by whatever end of this process, is the keeper's sign.
    private let lifeline: Int32

    package var runDirectory: String { "\(folder)/run" }
    package var temporary: String { "\(folder)/tmp" }
    package var controlSocket: String { "\(runDirectory)/default/control.sock" }
    package var routerSocket: String { "\(runDirectory)/default/router.sock" }
    package var log: String { "\(runDirectory)/default/daemon.log" }
    package var endpoint: String { "http://127.0.0.1:\(serverPort)/v1" }

    /// Makes the folder and starts the keeper.
    package init(_ places: Places, hasMounts: Bool) throws(ChaosError) {
        self.places = places
        self.hasMounts = hasMounts
        guard access(places.krait, X_OK) == 0 else {
            throw ChaosError("there is no \(places.krait); build it: swift build --product krait")
        }
        let base = ownEnvironment()["TMPDIR"] ?? "/tmp"
        var template = Array("\(base)/krait-chaos-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw ChaosError("no folder could be made in \(base)")
        }
        folder = String(cString: made)
        mark = ProcessTable.Mark("\(getpid())-\(UInt64.random(in: 0 ... .max))")
        for name in ["run", "tmp", "own"] { mkdir("\(folder)/\(name)", 0o700) }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ChaosError("no pipe could be made") }
        defer { Glibc.close(ends[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        lifeline = ends[1]
        keeper = try Child(
            ownProgram,
            ["--keep", mark.text, folder],
            environment: ownEnvironment(),
            output: "/dev/null",
            errors: "/dev/null",
            input: ends[0]
        )
        if hasMounts {
            try mount(at: runDirectory, mebibytes: 16)
            try mount(at: "/dev/shm", mebibytes: 16)
        }
    }

    /// The keeper's work: waits for the run's end, then removes what it left.
    package static func keep(_ mark: ProcessTable.Mark, folder: String) {
        // A Ctrl-C is for the run; this ends right after it.
        signal(SIGINT, SIG_IGN)
        signal(SIGTERM, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        var byte: UInt8 = 0
        while Glibc.read(0, &byte, 1) != 0 {}
        sweep(mark)
        unmount(folder)
        ProcessTable.remove(folder)
    }

    /// Lets go of the run directory's own file system, where it has one.
    private static func unmount(_ folder: String) {
        let child = try? Child(
            "/bin/umount",
            ["-l", "\(folder)/run"],
            environment: [:],
            output: "/dev/null",
            errors: "/dev/null"
        )
        _ = child?.end(within: .seconds(5))
    }

    private static func sweep(_ mark: ProcessTable.Mark) {
        for _ in 0..<200 {
            let left = mark.processes
            if left.isEmpty { return }
            for process in left { process.signal(SIGKILL) }
            pause(.milliseconds(10))
        }
    }

    private func mount(at path: String, mebibytes: Int) throws(ChaosError) {
        let options = ["-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=0700", "none", path]
        let child = try run("/bin/mount", options)
        guard child.end(within: .seconds(5)) == 0 else {
            throw ChaosError("a file system could not be mounted at \(path)")
        }
    }

    /// What the run's processes get as their environment.
    package var environment: [String: String] {
        ownEnvironment().merging([
            ProcessTable.Mark.variable: mark.text, "KRAIT_RUN_DIRECTORY": runDirectory,
            "KRAIT_PYTHON": places.python, "TMPDIR": temporary, "OPENAI_API_KEY": "none",
        ]) { $1 }
    }

    /// Starts a program of the run.
    package func run(_ path: String, _ arguments: [String]) throws(ChaosError) -> Child {
        let own = "\(folder)/own/\(UInt64.random(in: 0 ... .max))"
        return try Child(
            path,
            arguments,
            environment: environment,
            output: own + ".out",
            errors: own + ".err"
        )
    }

    // MARK: The daemon

    private func beginStart(_ own: String) throws(ChaosError) -> Child {
        try Child(
            places.krait,
            ["start", "--detach", "--config", "\(folder)/own/krait.yaml"],
            environment: environment,
            output: own + ".out",
            errors: own + ".err"
        )
    }

    /// Starts the daemon, and kills it while it starts.
    package func startDaemon(killedAfter delay: Duration) throws(ChaosError) {
        let starter = try beginStart("\(folder)/own/start")
        pause(delay)
        killDaemons()
        if starter.end(within: .seconds(30)) == nil { starter.signal(SIGKILL) }
        // It may not have been there yet the first time.
        killDaemons()
    }

    private func killDaemons() {
        for process in mark.processes
        where process.arguments.contains(where: { $0.hasPrefix("--ready-descriptor") }) {
            process.signal(SIGKILL)
        }
    }

    /// Starts the daemon, and waits until it is ready.
    package func startDaemon() throws(ChaosError) {
        let own = "\(folder)/own/start"
        let starter = try beginStart(own)
        // It takes long where workers import a large client, beside other programs.
        let code = starter.end(within: .seconds(120))
        let said = (wholeFile(own + ".out") ?? "") + (wholeFile(own + ".err") ?? "")
        guard code == 0 else {
            starter.signal(SIGKILL)
            throw ChaosError("the daemon did not start (\(code.map(String.init) ?? "-")): \(said)")
        }
        let digits = said.drop { $0 != "(" }.drop { !$0.isNumber }.prefix { $0.isNumber }
        daemon = pid_t(digits).flatMap(ProcessEntry.init)
        guard daemon != nil else { throw ChaosError("the daemon is gone at once: \(said)") }
    }

    package func configure(_ pools: [PoolPlan], heartbeat: Duration) throws(ChaosError) {
        let path = "\(folder)/own/krait.yaml"
        guard let file = fopen(path, "w") else { throw ChaosError("\(path) cannot be written") }
        fputs(PoolPlan.configuration(pools, heartbeat: heartbeat), file)
        fclose(file)
    }

    /// Stops the daemon in good order; what is left of the run is then told.
    package func stopDaemon() throws(ChaosError) -> (processes: [String], files: [String]) {
        let stop = try run(places.krait, ["stop", "--timeout", "20s"])
        _ = stop.end(within: .seconds(30))
        stopServer()
        let deadline = ContinuousClock.now + .seconds(2)
        var left = mark.processes
        while !left.isEmpty, ContinuousClock.now < deadline {
            pause(.milliseconds(20))
            left = mark.processes
        }
        let files =
            ProcessTable.tree(in: runDirectory) + ProcessTable.tree(in: temporary)
            + (hasMounts ? ProcessTable.tree(in: "/dev/shm") : [])
        let words = left.map { "\($0.id) \($0.arguments.joined(separator: " "))" }
        return (words, files)
    }

    // MARK: The language model

    /// Starts the language model's server, at the place where it was before if there was one.
    package func startServer(faults: [String] = []) throws(ChaosError) {
        let own = "\(folder)/own/server"
        let options = faults.flatMap { ["--fault", $0] }
        let child = try Child(
            places.interpreter,
            ["-m", "krait_worker.offline_lm", "--port", "\(serverPort)"] + options,
            environment: environment,
            output: own + ".out",
            errors: own + ".err"
        )
        server = child
        guard serverPort == 0 else { return }
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline, child.ended == nil {
            let said = wholeFile(own + ".out") ?? ""
            if said.hasSuffix("\n"), let digits = said.split(separator: "\"port\": ").last {
                serverPort = Int(digits.prefix { $0.isNumber }) ?? 0
                if serverPort != 0 { return }
            }
            pause(.milliseconds(20))
        }
        throw ChaosError("the offline LM did not start: \(wholeFile(own + ".err") ?? "")")
    }

    package func signalServer(_ number: Int32) { server?.signal(number) }

    /// Kills the server, and waits until its port is free.
    package func stopServer() {
        server?.signal(SIGKILL)
        _ = server?.end(within: .seconds(5))
        server = nil
    }

    /// Takes everything away, and waits for the keeper.
    package func close() {
        stopServer()
        Self.sweep(mark)
        Glibc.close(lifeline)
        _ = keeper.end(within: .seconds(10))
    }
}
