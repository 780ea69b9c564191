import Glibc
import KraitTestSupport
import KraitWorkers

extension Injector {
    /// Does a fault now; nil where there is nobody to do it to.
    func inject(_ kind: FaultKind, _ pool: String?) -> Injection? {
        switch kind {
        case .killWorker: hitWorker(kind, pool, SIGKILL)
        case .stopWorker: hitWorker(kind, pool, SIGSTOP)
        case .pauseWorker: pauseWorker(pool)
        case .killForkserver: killForkserver(pool)
        case .poison(let poison): send(poison)
        case .languageModelDies:
            disturbServer(kind, for: .seconds(1)) {
                lab.stopServer()
            } undo: { [unowned self] in
                restart()
            }
        case .languageModelStalls:
            disturbServer(kind, for: .seconds(2)) {
                lab.signalServer(SIGSTOP)
            } undo: { [unowned self] in
                lab.signalServer(SIGCONT)
            }
        case .languageModelRaves:
            disturbServer(kind, for: .seconds(2)) {
                lab.stopServer()
                restart(["malformed:2", "cut:3", "500:5", "429:7"])
            } undo: { [unowned self] in
                lab.stopServer()
                restart()
            }
        case .rogue: letRogueIn()
        case .hangUp: hangUp()
        case .fullDisk: fill("\(lab.runDirectory)/ballast", kind)
        case .fullSharedMemory: fill("/dev/shm/ballast", kind)
        case .noDescriptors: takeDescriptors()
        }
    }

    private func restart(_ faults: [String] = []) {
        // Where the port is not free yet, the next turn of the lane tries again.
        try? lab.startServer(faults: faults)
    }

    private func worker(of pool: String) -> (place: Int, process: ProcessEntry)? {
        let workers = status.view?.pools[pool]?.workers ?? []
        let ready = workers.indices.filter { workers[$0].state == "ready" }
        guard let place = ready.randomElement(using: &random),
            let process = workers[place].id.flatMap(ProcessEntry.init)
        else { return nil }
        return (place, process)
    }

    private func isListed(_ id: pid_t, in pool: String) -> Bool {
        status.view?.pools[pool]?.workers.contains { $0.id == id } ?? true
    }

    private func hitWorker(_ kind: FaultKind, _ pool: String?, _ signal: Int32) -> Injection? {
        guard let pool, let (place, process) = worker(of: pool) else { return nil }
        let episode = book(kind, pool: pool, worker: place)
        process.signal(signal)
        return Injection(
            kind: kind,
            pool: pool,
            episode: episode,
            at: .now,
            endedAt: .now,
            isOver: { [unowned self] in
                !isListed(process.id, in: pool) && ProcessEntry(process.id) == nil
            }
        )
    }

    private func pauseWorker(_ pool: String?) -> Injection? {
        guard let pool, let (place, process) = worker(of: pool) else { return nil }
        let episode = book(.pauseWorker, pool: pool, worker: place)
        process.signal(SIGSTOP)
        let began = ContinuousClock.now
        return Injection(
            kind: .pauseWorker,
            pool: pool,
            episode: episode,
            at: began,
            undo: { process.signal(SIGCONT) },
            undoAt: began + heartbeat,
            isOver: { true }
        )
    }

    private func killForkserver(_ pool: String?) -> Injection? {
        guard let pool, let (_, process) = worker(of: pool),
            let forkserver = ProcessEntry(process.parent),
            forkserver.arguments.contains(where: { $0.contains("forkserver") })
        else { return nil }
        let old = (status.view?.pools[pool]?.workers ?? []).compactMap(\.id)
        let episode = book(.killForkserver, pool: pool)
        forkserver.signal(SIGKILL)
        return Injection(
            kind: .killForkserver,
            pool: pool,
            episode: episode,
            at: .now,
            endedAt: .now,
            isOver: { [unowned self] in old.allSatisfy { !isListed($0, in: pool) } }
        )
    }

    private func send(_ poison: Poison) -> Injection? {
        let before = (status.view?.pools["faulty"]?.workers ?? []).compactMap(\.id)
        let episode = book(.poison(poison), pool: "faulty")
        let began = ContinuousClock.now
        let timeout: Duration =
            switch poison {
            case .spins: .milliseconds(500)
            case .holds: .seconds(1)
            default: .seconds(10)
            }
        workload.send(poison, timeout: timeout)
        let mustLose: Bool =
            switch poison {
            case .leaves, .segfaults, .aborts, .spins, .holds: true
            case .raises, .swells, .chatters: false
            }
        return Injection(
            kind: .poison(poison),
            pool: "faulty",
            episode: episode,
            at: began,
            endedAt: began,
            isOver: { [unowned self] in
                guard let answer = answeredPoison[poison], answer.at > began else { return false }
                // A breaker or a quarantine may keep it from the workers.
                return !mustLose || !answer.wasTaken
                    || before.contains { !isListed($0, in: "faulty") }
            }
        )
    }

    private func disturbServer(
        _ kind: FaultKind,
        for duration: Duration,
        _ disturb: () -> Void,
        undo: @escaping () -> Void
    ) -> Injection? {
        let episode = book(kind, pool: "lm")
        disturb()
        let began = ContinuousClock.now
        return Injection(
            kind: kind,
            pool: "lm",
            episode: episode,
            at: began,
            undo: undo,
            undoAt: began + duration,
            isOver: { [unowned self] in
                (workload.lastOK["lm"] ?? began) > began + duration
            }
        )
    }

    private func letRogueIn() -> Injection? {
        let names = guessedNames().shuffled(using: &random).prefix(48)
        let arguments =
            [
                "\(lab.places.scripts)/rogue.py", "ipc://\(lab.routerSocket)", "1.5",
                "\(random.next() >> 1)",
            ] + names
        guard let child = try? lab.run(lab.places.interpreter, arguments) else { return nil }
        let episode = book(.rogue, pool: nil)
        return Injection(
            kind: .rogue,
            episode: episode,
            at: .now,
            endedAt: .now,
            isOver: { child.ended != nil }
        )
    }

    /// The names of the workers there are, and those that come next.
    private func guessedNames() -> [String] {
        var latest: [String: Int] = [:]
        for name in workload.workerNames.values.joined() {
            guard let dot = name.lastIndex(of: "."), let count = Int(name[dot...].dropFirst())
            else { continue }
            latest[String(name[..<dot])] = max(latest[String(name[..<dot])] ?? 0, count)
        }
        return latest.flatMap { place, count in (0...3).map { "\(place).\(count + $0)" } }.sorted()
    }

    private func hangUp() -> Injection? {
        guard let client = ControlConnection(lab.controlSocket, loop: loop, onAnswer: { _ in })
        else { return nil }
        let episode = book(.hangUp, pool: nil)
        for number in 0..<48 {
            let pool = ["forks", "execs", "faulty"][number % 3]
            let (operation, seconds) =
                number % 2 == 0 ? ("wait", 60.0) : ("work", Double(number) / 100)
            client.send(
                #"{"id": \#(number), "verb": "call", "operation": "\#(operation)", "arguments": "#
                    + #"{"token": "x", "seconds": \#(seconds)}, "options": {"on": "\#(pool)"}}"#
            )
        }
        let began = ContinuousClock.now
        let stay: Duration = .milliseconds(Int.random(in: 0...200, using: &random))
        return Injection(
            kind: .hangUp,
            episode: episode,
            at: began,
            undo: { client.close() },
            undoAt: began + stay,
            isOver: { true }
        )
    }

    private func fill(_ path: String, _ kind: FaultKind) -> Injection? {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return nil }
        let zeros = [UInt8](repeating: 0, count: 64 << 10)
        for size in [zeros.count, 512, 1] {
            while Glibc.write(file, zeros, size) == size {}
        }
        Glibc.close(file)
        let began = ContinuousClock.now
        let episode = book(kind, pool: nil)
        return Injection(
            kind: kind,
            episode: episode,
            at: began,
            undo: { unlink(path) },
            undoAt: began + .seconds(2),
            isOver: { true }
        )
    }

    private func takeDescriptors() -> Injection? {
        guard let daemon = lab.daemon, let (_, process) = worker(of: "forks"),
            // 3 beyond what it has now, where its highest number counts and not how many there are.
            let highest = SmallFile.names(in: "/proc/\(daemon.id)/fd").compactMap({ Int($0) })
                .max(),
            let before = daemon.descriptorLimit,
            limitDescriptors(of: daemon, to: highest + 3)
        else { return nil }
        let episode = book(.noDescriptors, pool: "forks")
        process.signal(SIGKILL)
        let began = ContinuousClock.now
        return Injection(
            kind: .noDescriptors,
            pool: "forks",
            episode: episode,
            at: began,
            undo: { [unowned self] in _ = limitDescriptors(of: daemon, to: before) },
            undoAt: began + .seconds(1),
            isOver: { [unowned self] in !isListed(process.id, in: "forks") }
        )
    }

    private func limitDescriptors(of daemon: ProcessEntry, to count: Int) -> Bool {
        let arguments = ["--pid", "\(daemon.id)", "--nofile=\(count):"]
        return (try? lab.run("/usr/bin/prlimit", arguments))?.end(within: .seconds(5)) == 0
    }
}
