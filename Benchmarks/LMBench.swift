import Glibc
import Krait

/// Measures what a language model's call costs beside the model.
///
/// From Swift, from a worker by itself and through the gateway, from the cache, and a thousand at
/// once.
package struct LMBench: Sendable {
    /// One repetition.
    package struct Figures: Sendable {
        /// Of a call from Swift, to an endpoint that answers at once.
        package var swift: Double
        /// Of a call from a worker, with DSPy's own client and through the gateway.
        package var direct: Double
        package var gateway: Double
        /// Of an answer from the cache in memory.
        package var hit: Double
        /// Of an answer from the cache on disk.
        package var diskHit: Double
        /// Of a thousand calls under way to an endpoint that takes 200 ms.
        package var many: Many
    }

    /// A thousand calls under way.
    package struct Many: Sendable {
        package var callsPerSecond: Double
        /// The processors' time that a call takes in this process, which is what limits them.
        package var processorMicroseconds: Double
    }

    /// Why there are no figures.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// How many calls are under way at once in the last part, and how long the endpoint takes.
    package static let window = 1_000
    package static let latency = 200
    /// How many calls each of them makes: the first come all at once and wait for each other, and
    /// are to be few among all.
    package static let rounds = 20

    private let repetitions: Int
    private let calls: Int
    private let python: String?

    package init(repetitions: Int, calls: Int = 300, python: String? = nil) {
        self.repetitions = repetitions
        self.calls = calls
        self.python = python
    }

    /// Runs all repetitions and tells each as it ends.
    package func run(onRepetition: @escaping @Sendable (Int, Figures) -> Void) async throws {
        let stub = Adapter.custom("krait_worker.bench.lm_stub:LMStub")
        let endpoints = Orchestrator(name: "bench-endpoints") {
            PythonPool("stub", adapter: stub, workers: 1, slots: 4, python: python, start: .exec)
        }
        try await endpoints.running { endpoints in
            try await endpoints.ready()
            let quick = try await endpoint(endpoints, latency: 0)
            let slow = try await endpoint(endpoints, latency: Self.latency)
            let orchestrator = Orchestrator(name: "bench") {
                pool("direct", quick, isGateway: false)
                pool("gateway", quick, isGateway: true)
            }
            try await orchestrator.running { krait in
                try await krait.ready()
                for number in 1...repetitions {
                    let figures = Figures(
                        swift: try await single(quick, cache: false),
                        direct: try await pings(krait, "direct"),
                        gateway: try await pings(krait, "gateway"),
                        hit: try await single(quick, cache: true),
                        diskHit: try await diskHit(quick),
                        many: try await many(slow)
                    )
                    onRepetition(number, figures)
                }
            }
        }
    }

    private func endpoint(_ krait: Orchestrator, latency: Int) async throws -> String {
        let reply = try await krait.call("serve", ["latency_ms": .int(Int64(latency))])
        return reply.value.string ?? ""
    }

    private func pool(_ name: String, _ url: String, isGateway: Bool) -> PythonPool {
        PythonPool(
            name,
            adapter: .dspy(
                model: "openai/stub",
                apiBase: url,
                settings: ["gateway": .bool(isGateway)]
            ),
            workers: 1,
            slots: 4,
            python: python,
            environment: ["LITELLM_LOCAL_MODEL_COST_MAP": "True"]
        )
    }

    /// The median of calls one after the other, in microseconds.
    private func single(_ url: String, cache: Bool) async throws -> Double {
        let lm = LM("openai/stub", apiBase: url, cache: cache, gateway: LMGateway())
        let request = LMRequest(String(repeating: "What do snakes smell with? ", count: 40))
        _ = try await lm.complete(request)
        var times: [Double] = []
        for _ in 0..<calls {
            let began = ContinuousClock.now
            _ = try await lm.complete(request)
            times.append(began.duration(to: .now) / .microseconds(1))
        }
        return median(times)
    }

    /// The median of a worker's smallest request, as the worker measures it.
    private func pings(_ krait: Orchestrator, _ pool: String) async throws -> Double {
        var times: [Double] = []
        for _ in 0..<calls {
            let value = try await krait.call("lm_ping", on: .pool(pool)).value
            times.append((value["seconds"]?.double ?? 0) * 1_000_000)
        }
        return median(times)
    }

    /// The median of answers found on disk alone: memory has room for one, and two take turns.
    private func diskHit(_ url: String) async throws -> Double {
        var template = Array("/tmp/krait-bench-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw Failure(description: "no folder can be made in /tmp")
        }
        let folder = String(cString: made)
        let file = "\(folder)/answers.sqlite"
        defer {
            for name in [file, "\(file)-wal", "\(file)-shm"] { unlink(name) }
            rmdir(folder)
        }
        let settings = LMCacheSettings(entries: 1, disk: .init(file: file))
        let lm = LM("openai/stub", apiBase: url, gateway: LMGateway(cache: settings))
        let text = String(repeating: "What do snakes smell with? ", count: 40)
        let requests = [LMRequest(text), LMRequest(text + "Tongues?")]
        for request in requests { _ = try await lm.complete(request) }
        var times: [Double] = []
        for number in 0..<calls {
            let began = ContinuousClock.now
            let response = try await lm.complete(requests[number % 2])
            times.append(began.duration(to: .now) / .microseconds(1))
            guard response.isCached else { throw Failure(description: "no answer on disk") }
        }
        return median(times)
    }

    private func many(_ url: String) async throws -> Many {
        let lm = LM("openai/stub", apiBase: url, cache: false, gateway: LMGateway())
        func round(_ calls: Int) async throws {
            try await withThrowingDiscardingTaskGroup { group in
                for _ in 0..<Self.window {
                    group.addTask {
                        for _ in 0..<calls { _ = try await lm.complete(LMRequest("q")) }
                    }
                }
            }
        }
        // The connections are made first.
        try await round(1)
        let (began, used) = (ContinuousClock.now, processorTime())
        try await round(Self.rounds)
        let calls = Double(Self.window * Self.rounds)
        return Many(
            callsPerSecond: calls / (began.duration(to: .now) / .seconds(1)),
            processorMicroseconds: (processorTime() - used) / .microseconds(1) / calls
        )
    }

    /// What this process has used of the processors.
    private func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
}
