import Glibc
import Krait
import KraitWire

/// Measures streams from a generator in Python to a loop in Swift.
package struct StreamBench: Sendable {
    /// What is measured, and how often.
    package struct Settings: Sendable {
        package var codec: Codec
        /// How many chunks a measurement of the rate reads.
        package var chunks: Int
        package var repetitions: Int
        package var python: String?

        package init(
            codec: Codec = .messagePack,
            chunks: Int = 200_000,
            repetitions: Int = 3,
            python: String? = nil
        ) {
            self.codec = codec
            self.chunks = chunks
            self.repetitions = repetitions
            self.python = python
        }
    }

    /// How many streams run at once in the last part.
    package static let many = 1_000

    /// One repetition.
    package struct Figures: Sendable {
        /// Of one stream, synchronous and asynchronous generator.
        package var chunksPerSecond: Double
        package var asyncChunksPerSecond: Double
        /// From the yield to the loop's body: of the first chunk of a stream that goes on at once,
        /// and of chunks with pauses between them.
        package var firstMicroseconds: [Double]
        package var spacedMicroseconds: [Double]
        /// Of a thousand streams at once, all chunks together.
        package var manyChunksPerSecond: Double
        /// Of one stream without Krait: each chunk a message, no credit, and one bare thread that
        /// decodes.
        package var floorChunksPerSecond: Double
    }

    package let settings: Settings

    package init(_ settings: Settings) { self.settings = settings }

    /// Runs all repetitions and tells each as it ends.
    package func run(onRepetition: @escaping @Sendable (Int, Figures) -> Void) async throws {
        let share = Self.many / 2
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool(
                "bench",
                adapter: .echo,
                workers: 2,
                slots: share,
                python: settings.python,
                codec: settings.codec,
                timeout: .seconds(300)
            )
        }
        try await orchestrator.running { krait in
            try await krait.ready()
            let floor = try EchoFloor(.init(codec: settings.codec, python: settings.python))
            defer { floor.close() }
            for number in 1...settings.repetitions {
                let figures = Figures(
                    chunksPerSecond: try await rate("count", krait),
                    asyncChunksPerSecond: try await rate("acount", krait),
                    firstMicroseconds: try await first(krait),
                    spacedMicroseconds: try await spaced(krait),
                    manyChunksPerSecond: try await rateOfMany(krait),
                    floorChunksPerSecond: try floor.measureStream(settings.chunks)
                )
                onRepetition(number, figures)
            }
        }
    }

    private func rate(_ operation: String, _ krait: Orchestrator) async throws -> Double {
        let start = ContinuousClock.now
        var count = 0
        let arguments: ValueMap = ["n": .int(Int64(settings.chunks))]
        for try await _ in krait.stream(operation, arguments) { count += 1 }
        guard count == settings.chunks else { throw EchoBench.WrongAnswer() }
        return Double(count) / (start.duration(to: .now) / .seconds(1))
    }

    /// A stream that computes on without a pause must not hold its first chunk back.
    private func first(_ krait: Orchestrator) async throws -> [Double] {
        var latencies: [Double] = []
        for _ in 0..<200 {
            for try await chunk in krait.stream("clock", ["n": 10_000]) {
                latencies.append(Self.age(of: chunk))
                break
            }
        }
        return latencies.sorted()
    }

    private func spaced(_ krait: Orchestrator) async throws -> [Double] {
        var latencies: [Double] = []
        for try await chunk in krait.stream("clock", ["n": 300, "pause": 0.002]) {
            latencies.append(Self.age(of: chunk))
        }
        return latencies.sorted()
    }

    private func rateOfMany(_ krait: Orchestrator) async throws -> Double {
        let each = 50
        let start = ContinuousClock.now
        let total = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<Self.many {
                group.addTask {
                    var count = 0
                    let arguments: ValueMap = ["n": .int(Int64(each)), "pause": 0.000_001]
                    for try await _ in krait.stream("acount", arguments) { count += 1 }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        guard total == Self.many * each else { throw EchoBench.WrongAnswer() }
        return Double(total) / (start.duration(to: .now) / .seconds(1))
    }

    /// How long ago, in microseconds, Python read its clock for this chunk.
    private static func age(of chunk: Value) -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let nanoseconds = now.tv_sec * 1_000_000_000 + now.tv_nsec
        return Double(nanoseconds - (chunk.int ?? 0)) / 1_000
    }
}
