import Glibc
import Krait

/// Measures sessions: what a checkpoint costs a call, what idle ones take, and how soon one goes on
/// after its worker's death.
package struct SessionBench: Sendable {
    /// One line: figures of one part, named with their units.
    package struct Part: Sendable {
        package var name: String
        package var figures: [(String, Double)]
    }

    /// The parts there are, in the order in which they run.
    package static let parts = ["calls", "rehydration", "slots", "gateway", "idle"]
    /// How many sessions lie idle, and how many demos each has.
    package static let idle = 10_000
    package static let demos = 8
    /// How many milliseconds the endpoint takes in the part on slots, and how many there are.
    package static let latency = 200
    package static let slots = 16

    private let parts: [String]
    private let calls: Int
    private let python: String?

    package init(parts: [String] = [], calls: Int = 300, python: String? = nil) {
        self.parts = parts.isEmpty ? Self.parts : parts
        self.calls = calls
        self.python = python
    }

    /// Runs the parts and tells each as it ends.
    package func run(onPart: @escaping @Sendable (Part) -> Void) async throws {
        let stub = Adapter.custom("krait_worker.bench.lm_stub:LMStub")
        let endpoints = Orchestrator(name: "bench-endpoints") {
            PythonPool("stub", adapter: stub, workers: 1, slots: 4, python: python, start: .exec)
        }
        try await endpoints.running { endpoints in
            try await endpoints.ready()
            for name in parts {
                let isFull = name == "slots" || name == "gateway"
                let latency = isFull ? Self.latency : 0
                let arguments: ValueMap = [
                    "latency_ms": .int(Int64(latency)), "reasoning": true,
                ]
                let url = try await endpoints.call("serve", arguments).value.string ?? ""
                let orchestrator = Orchestrator(name: "bench") {
                    PythonPool(
                        "dspy",
                        adapter: .dspy(
                            model: "openai/stub",
                            apiBase: url,
                            settings: ["gateway": .bool(name == "gateway")]
                        ),
                        workers: name == "rehydration" ? 2 : 1,
                        slots: Self.slots,
                        python: python
                    )
                }
                let figures = try await orchestrator.running { krait in
                    try await krait.ready()
                    return switch name {
                    case "calls": try await saved(krait)
                    case "rehydration": try await rehydration(krait)
                    case "slots", "gateway": try await filled(krait)
                    default: try await idle(krait)
                    }
                }
                onPart(Part(name: name, figures: figures))
            }
        }
    }

    // MARK: Parts

    /// Calls of a session that is saved with each, in turn with one that is not.
    private func saved(_ krait: Orchestrator) async throws -> [(String, Double)] {
        let plain = try await begin(krait, "plain", SessionPolicy(checkpoints: .onDrain))
        let kept = try await begin(krait, "kept")
        for session in [plain, kept] {
            try await session.load("answer", state: Self.state)
            for _ in 0..<20 { _ = try await session.run("answer", Self.question) }
        }
        var times: (plain: [Double], kept: [Double]) = ([], [])
        let served = await krait.status().pools[0].served
        for _ in 0..<calls {
            times.plain.append(try await time(plain))
            times.kept.append(try await time(kept))
        }
        let trips = Double(await krait.status().pools[0].served - served) / Double(2 * calls)
        let writes = krait.checkpointTimes.suffix(calls).map { $0 / .milliseconds(1) }
        let bytes = Double(try await kept.checkpoint().bytes)
        return [("n", Double(calls)), ("round_trips_per_call", trips), ("state_bytes", bytes)]
            + Self.figures("unsaved_call", times.plain, "us")
            + Self.figures("saved_call", times.kept, "us")
            + Self.figures("checkpoint", writes, "ms")
    }

    /// The first call after the death of its session's worker, another one being ready.
    private func rehydration(_ krait: Orchestrator) async throws -> [(String, Double)] {
        let session = try await begin(krait, "s")
        try await session.load("answer", state: Self.state)
        _ = try await session.run("answer", Self.question)
        var (dead, warm): ([Double], [Double]) = ([], [])
        for _ in 0..<min(calls, 30) {
            warm.append(try await time(session) / 1_000)
            _ = try await session.checkpoint()
            let worker = try await session.status().worker
            let pool = await krait.status().pools[0]
            let place = worker?.split(separator: "/").last?.split(separator: ".").first
            let number = place.flatMap { Int($0) }
            guard let number, let process = pool.workers[number].processID else { continue }
            kill(process, SIGKILL)
            while try await session.status().worker != nil { await Self.pause() }
            dead.append(try await time(session) / 1_000)
            while await krait.status().pools[0].workers.contains(where: { $0.state != "ready" }) {
                await Self.pause()
            }
        }
        return [("n", Double(dead.count)), ("demos", Double(Self.demos))]
            + Self.figures("rehydrated_call", dead, "ms") + Self.figures("warm_call", warm, "ms")
    }

    /// As many sessions as the worker has slots, each calling all the time; the worker asks the
    /// endpoint itself, or leaves that to the gateway.
    private func filled(_ krait: Orchestrator) async throws -> [(String, Double)] {
        var sessions: [Session] = []
        for number in 0..<Self.slots {
            let session = try await begin(krait, "s\(number)")
            _ = try await session.run("answer", Self.question)
            sessions.append(session)
        }
        // All begin together: enough rounds that the first tells little.
        let rounds = max(5, 3 * calls / Self.slots)
        let began = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: [Double].self) { group in
            for session in sessions {
                group.addTask {
                    var times: [Double] = []
                    for _ in 0..<rounds { times.append(try await time(session) / 1_000) }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let seconds = began.duration(to: .now) / .seconds(1)
        let rate = Double(times.count) / seconds
        let most = Double(Self.slots) * 1_000 / Double(Self.latency)
        return [
            ("n", Double(times.count)), ("slots", Double(Self.slots)),
            ("latency_ms", Double(Self.latency)), ("calls_per_s", rate),
            ("share_percent", rate / most * 100),
        ] + Self.figures("call", times, "ms")
    }

    /// What this process takes more for many sessions that nobody calls.
    private func idle(_ krait: Orchestrator) async throws -> [(String, Double)] {
        let warm = try await begin(krait, "warm")
        try await warm.load("answer", state: Self.state)
        let before = Self.residentBytes()
        let width = 8
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<width {
                group.addTask {
                    for number in stride(from: lane, to: Self.idle, by: width) {
                        let session = try await begin(krait, "s\(number)")
                        try await session.load("answer", state: Self.state)
                    }
                }
            }
            try await group.waitForAll()
        }
        while await krait.status().sessions.unwritten > 0 { await Self.pause() }
        let bytes = Double(try await warm.checkpoint().bytes)
        let taken = Double(Self.residentBytes() - before) / 1_048_576
        return [
            ("n", Double(await krait.sessions().count)), ("state_bytes", bytes),
            ("resident_mib", taken),
        ]
    }

    // MARK: What they have in common

    private static let question: ValueMap = ["question": "Which river flows through Paris?"]

    /// What an optimizer may have found: demos of some kilobytes each.
    private static let state: Value = {
        let text = Value.string(String(repeating: "The Seine rises at Source-Seine. ", count: 60))
        let demo: Value = ["question": text, "reasoning": text, "answer": "The Seine."]
        return ["predict": ["demos": .list(Array(repeating: demo, count: demos))]]
    }()

    private func begin(
        _ krait: Orchestrator,
        _ id: String,
        _ policy: SessionPolicy = SessionPolicy()
    ) async throws -> Session {
        try await krait.beginSession(
            id,
            programs: ["answer": .chainOfThought("question -> answer")],
            keeping: policy
        )
    }

    /// One call, in microseconds.
    private func time(_ session: Session) async throws -> Double {
        let began = ContinuousClock.now
        _ = try await session.run("answer", Self.question)
        return began.duration(to: .now) / .microseconds(1)
    }

    private static func pause() async { try? await Task.sleep(for: .milliseconds(2)) }

    private static func figures(
        _ name: String,
        _ times: [Double],
        _ unit: String
    ) -> [(String, Double)] {
        let sorted = times.sorted()
        func quantile(_ share: Double) -> Double {
            sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
        return [("\(name)_p50_\(unit)", quantile(0.5)), ("\(name)_p99_\(unit)", quantile(0.99))]
    }

    /// The memory of this process that is in use.
    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            .split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * sysconf(Int32(_SC_PAGESIZE))
    }
}
