import Krait
import KraitWire

/// Measures echo calls through Krait's public API beside their floor, alternating in one run.
package struct EchoBench: Sendable {
    /// What is measured, and how long.
    package struct Settings: Sendable {
        package var workers: Int
        /// How many calls are in flight at once.
        package var window: Int
        package var codec: Codec
        /// How long each repetition of each path measures.
        package var duration: Duration
        package var repetitions: Int
        /// The interpreter or virtual environment; nil as for a pool.
        package var python: String?

        package init(
            workers: Int = 1,
            window: Int = 64,
            codec: Codec = .messagePack,
            duration: Duration = .seconds(2),
            repetitions: Int = 5,
            python: String? = nil
        ) {
            self.workers = workers
            self.window = window
            self.codec = codec
            self.duration = duration
            self.repetitions = repetitions
            self.python = python
        }
    }

    /// One path's figures of one repetition, or of all of them.
    package struct Figures: Sendable, Equatable {
        package var n: Int
        package var callsPerSecond: Double
        package var p50Microseconds: Double
        package var p99Microseconds: Double
    }

    /// One repetition: both paths, measured one after the other.
    package struct Pair: Sendable, Equatable {
        package var krait: Figures
        package var floor: Figures
    }

    /// The arguments that are echoed: 110 bytes as MessagePack.
    static let arguments: ValueMap = [
        "id": 1_234_567,
        "question": "How do I return a parcel that came broken?",
        "score": 0.25,
        "final": true,
        "tags": ["mail", "returns"],
        "user": "b3f1c2",
    ]

    package let settings: Settings

    package init(_ settings: Settings) { self.settings = settings }

    /// Runs all repetitions and tells each as it ends.
    ///
    /// Takes about two durations a repetition.
    package func run(onPair: @escaping @Sendable (Int, Pair) -> Void) async throws -> [Pair] {
        // One slot for each call of the window, so that both paths have all of it at the workers.
        let share = min(
            Limits.slots,
            (settings.window + settings.workers - 1) / settings.workers
        )
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool(
                "bench",
                adapter: .echo,
                workers: settings.workers,
                slots: share,
                python: settings.python,
                codec: settings.codec,
                queueLimit: max(Defaults.queueLimit, settings.window)
            )
        }
        return try await orchestrator.running { krait in
            try await krait.ready()
            let floor = try EchoFloor(settings)
            defer { floor.close() }
            var pairs: [Pair] = []
            for number in 1...settings.repetitions {
                let measured = try await Self.keepFull(
                    settings.window,
                    for: settings.duration,
                    krait
                )
                let pair = Pair(krait: measured, floor: try floor.measure())
                pairs.append(pair)
                onPair(number, pair)
            }
            return pairs
        }
    }

    /// Keeps a window full of calls until the time is up.
    static func keepFull(
        _ window: Int,
        for duration: Duration,
        _ krait: Orchestrator
    ) async throws -> Figures {
        let start = ContinuousClock.now
        let end = start + duration
        let caller = krait.caller
        let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<window {
                group.addTask {
                    try await caller.run { _ in try await Self.callUntil(end, krait) }
                }
            }
            var all: [Duration] = []
            for try await some in group { all += some }
            return all
        }
        return Figures(latencies, in: start.duration(to: .now))
    }

    private static func callUntil(
        _ end: ContinuousClock.Instant,
        _ krait: Orchestrator
    ) async throws -> [Duration] {
        var latencies: [Duration] = []
        var now = ContinuousClock.now
        while now < end {
            let reply = try await krait.call("echo", arguments, on: .pool("bench"))
            guard reply.value["id"] == arguments["id"] else { throw WrongAnswer() }
            let then = ContinuousClock.now
            latencies.append(now.duration(to: then))
            now = then
        }
        return latencies
    }

    /// The echo did not come back as it was sent.
    struct WrongAnswer: Error {}
}

extension EchoBench.Figures {
    init(_ latencies: [Duration], in elapsed: Duration) {
        let sorted = latencies.sorted()
        func quantile(_ share: Double) -> Double {
            guard !sorted.isEmpty else { return 0 }
            let index = Int(Double(sorted.count - 1) * share)
            return sorted[index] / .microseconds(1)
        }
        self.init(
            n: sorted.count,
            callsPerSecond: Double(sorted.count) / (elapsed / .seconds(1)),
            p50Microseconds: quantile(0.5),
            p99Microseconds: quantile(0.99)
        )
    }
}

extension EchoBench {
    /// The medians of all pairs, and of their ratios: Krait over its floor.
    package struct Summary: Sendable, Equatable {
        package var pairs: Int
        package var krait: Figures
        package var floor: Figures
        package var callsPerSecond: Double
        package var p50: Double
        package var p99: Double

        package init(_ pairs: [Pair]) {
            func ratio(_ figure: (Figures) -> Double) -> Double {
                median(pairs.map { figure($0.krait) / figure($0.floor) })
            }
            self.pairs = pairs.count
            krait = Figures(medians: pairs.map(\.krait))
            floor = Figures(medians: pairs.map(\.floor))
            callsPerSecond = ratio(\.callsPerSecond)
            p50 = ratio(\.p50Microseconds)
            p99 = ratio(\.p99Microseconds)
        }
    }
}

extension EchoBench.Figures {
    /// The medians of several repetitions; `n` is their sum.
    init(medians all: [EchoBench.Figures]) {
        self.init(
            n: all.reduce(0) { $0 + $1.n },
            callsPerSecond: median(all.map(\.callsPerSecond)),
            p50Microseconds: median(all.map(\.p50Microseconds)),
            p99Microseconds: median(all.map(\.p99Microseconds))
        )
    }
}

package func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}
