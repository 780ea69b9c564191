import Krait
import KraitPrompts
import KraitSignatures
import KraitWire

/// Measures what Krait does natively beside DSPy's own functions, with the same inputs, in one run:
/// inside a Python worker without any transport, and as one call through a pool.
package struct NativeBench: Sendable {
    /// What is measured, and how long.
    package struct Settings: Sendable {
        /// The benches by name; empty for all.
        package var names: [String]
        /// How long each side is measured in each repetition.
        package var duration: Duration
        /// How often both sides are measured, in turn.
        package var repetitions: Int
        /// The interpreter or virtual environment; nil as for a pool.
        package var python: String?

        package init(
            names: [String] = [],
            duration: Duration = .milliseconds(500),
            repetitions: Int = 3,
            python: String? = nil
        ) {
            self.names = names
            self.duration = duration
            self.repetitions = repetitions
            self.python = python
        }
    }

    /// Medians of one bench, in microseconds.
    package struct Figures: Sendable, Equatable {
        package var bench: String
        package var native: Double
        /// Inside the worker, without transport.
        package var python: Double
        /// One call after the other through the pool, as its caller waits for it.
        package var pooled: Double
        /// How many native calls were made.
        package var n: Int

        /// Python's time over the native one.
        package var ratio: Double { python / native }
    }

    /// The names of all benches, in order.
    package static let names = NativeCase.all.map(\.name)

    private static let pool = "reference"
    private static let pooledCalls = 100

    package let settings: Settings

    package init(_ settings: Settings) { self.settings = settings }

    /// Measures each bench and tells its figures as they come.
    ///
    /// Throws `WrongAnswer` where the two sides do not give the same, for then nothing is measured.
    package func run(onFigures: @escaping @Sendable (Figures) throws -> Void) async throws {
        let orchestrator = Orchestrator(name: "bench-native") {
            PythonPool(
                Self.pool,
                adapter: .custom("krait_worker.reference:Reference"),
                workers: 1,
                slots: 1,
                python: settings.python
            )
        }
        try await orchestrator.running { krait in
            try await krait.ready()
            for bench in NativeCase.all
            where settings.names.isEmpty || settings.names.contains(bench.name) {
                try await compare(bench, krait)
                try onFigures(try await measure(bench, krait))
            }
        }
    }

    /// The native answer and DSPy's do not agree.
    package struct WrongAnswer: Error, CustomStringConvertible {
        package var bench: String
        package var description: String {
            "\(bench): the native answer is not DSPy's; `krait parity` shows where they differ"
        }
    }

    private func compare(_ bench: NativeCase, _ krait: Orchestrator) async throws {
        let reply = try await perform(bench, krait)
        guard try bench.answer().isIdentical(to: PythonValue(reply)) else {
            throw WrongAnswer(bench: bench.name)
        }
    }

    private func perform(_ bench: NativeCase, _ krait: Orchestrator) async throws -> Value {
        try await krait.call(
            "perform",
            ["bench": .string(bench.name), "inputs": .map(bench.inputs)],
            on: .pool(Self.pool)
        ).value
    }

    private func measure(_ bench: NativeCase, _ krait: Orchestrator) async throws -> Figures {
        var (native, python, pooled): ([Double], [Double], [Double]) = ([], [], [])
        var n = 0
        for _ in 0..<max(1, settings.repetitions) {
            let (time, count) = try Self.measure(bench, for: settings.duration)
            native.append(time)
            n += count
            let reply = try await krait.call(
                "measure",
                [
                    "bench": .string(bench.name), "inputs": .map(bench.inputs),
                    "seconds": .double(settings.duration / .seconds(1)),
                ],
                on: .pool(Self.pool)
            )
            python.append(reply.value["us"]?.double ?? .nan)
            for _ in 0..<Self.pooledCalls {
                let start = ContinuousClock.now
                _ = try await perform(bench, krait)
                pooled.append(start.duration(to: .now) / .microseconds(1))
            }
        }
        return Figures(
            bench: bench.name,
            native: median(native),
            python: median(python),
            pooled: median(pooled),
            n: n
        )
    }

    /// The median time of a call in microseconds over batches of about 5 ms, and how many there
    /// were.
    private static func measure(
        _ bench: NativeCase,
        for duration: Duration
    ) throws -> (microseconds: Double, count: Int) {
        func time(_ size: Int) throws -> Duration {
            let start = ContinuousClock.now
            try bench.work(size)
            return start.duration(to: .now)
        }
        var size = 1
        while try time(size) < .milliseconds(5) { size *= 2 }
        var times: [Double] = []
        let end = ContinuousClock.now + duration
        while times.count < 9 || ContinuousClock.now < end {
            try Task.checkCancellation()
            times.append(try time(size) / .microseconds(1) / Double(size))
        }
        return (median(times), size * times.count)
    }
}
