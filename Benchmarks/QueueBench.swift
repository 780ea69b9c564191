import Krait
import KraitWire

/// Measures what a long queue costs: echo calls with few and with many waiting in the pool's queue,
/// alternating in one run.
package struct QueueBench: Sendable {
    /// What is measured, and how long.
    package struct Settings: Sendable {
        package var workers: Int
        package var codec: Codec
        /// How long each repetition of each length measures.
        package var duration: Duration
        package var repetitions: Int

        package init(
            workers: Int = 1,
            codec: Codec = .messagePack,
            duration: Duration = .seconds(2),
            repetitions: Int = 5
        ) {
            self.workers = workers
            self.codec = codec
            self.duration = duration
            self.repetitions = repetitions
        }
    }

    /// How many calls a worker has at once: enough to keep it busy.
    package static let slots = 64
    /// How many calls wait behind them.
    package static let short = 10
    package static let long = 10_000

    /// One repetition: both lengths, measured one after the other.
    package struct Pair: Sendable, Equatable {
        package var short: EchoBench.Figures
        package var long: EchoBench.Figures
    }

    package let settings: Settings

    package init(_ settings: Settings) { self.settings = settings }

    /// Runs all repetitions and tells each as it ends; takes about two durations a repetition.
    package func run(onPair: @escaping @Sendable (Int, Pair) -> Void) async throws -> [Pair] {
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool(
                "bench",
                adapter: .echo,
                workers: settings.workers,
                slots: Self.slots,
                codec: settings.codec,
                queueLimit: Self.long
            )
        }
        return try await orchestrator.running { krait in
            try await krait.ready()
            var pairs: [Pair] = []
            for number in 1...settings.repetitions {
                let short = try await measure(queued: Self.short, krait)
                let pair = Pair(short: short, long: try await measure(queued: Self.long, krait))
                pairs.append(pair)
                onPair(number, pair)
            }
            return pairs
        }
    }

    private func measure(
        queued: Int,
        _ krait: Orchestrator
    ) async throws -> EchoBench.Figures {
        let window = settings.workers * Self.slots + queued
        return try await EchoBench.keepFull(window, for: settings.duration, krait)
    }

    /// The median over the pairs of calls per second, the long queue's over the short one's.
    package static func ratio(_ pairs: [Pair]) -> Double {
        median(pairs.map { $0.long.callsPerSecond / $0.short.callsPerSecond })
    }
}
