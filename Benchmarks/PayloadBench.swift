import Krait
import KraitWire
import KraitWorkers

/// Measures large values there and back, beside bare shared memory and raw frames, in turn in one
/// run.
package struct PayloadBench: Sendable {
    /// What is measured, and how long.
    package struct Settings: Sendable {
        package var bytes: Int
        /// How long each repetition of each path measures; at least three calls are made.
        package var duration: Duration
        package var repetitions: Int
        package var python: String?

        package init(
            bytes: Int,
            duration: Duration = .seconds(1),
            repetitions: Int = 3,
            python: String? = nil
        ) {
            self.bytes = bytes
            self.duration = duration
            self.repetitions = repetitions
            self.python = python
        }
    }

    /// The sizes that are measured where none is named.
    package static let sizes = [(64 << 10) + 64, 1 << 20, 16 << 20, 128 << 20, 1 << 30]

    /// A way for bytes to go.
    package enum Path: String, Sendable, CaseIterable {
        /// A call with a tensor in shared memory, of which the worker sends back a copy.
        case copy = "krait.copy"
        /// The same on bare shared memory.
        case bareCopy = "floor.copy"
        /// A call with the same tensor, which the worker looks at.
        case view = "krait.view"
        /// The same on bare shared memory.
        case bareView = "floor.view"
        /// Raw ZeroMQ frames without a copy at either end.
        case frames = "floor.frames"

        /// What it is compared with.
        package var floor: Path? {
            switch self {
            case .copy: .bareCopy
            case .view: .bareView
            case .bareCopy, .bareView, .frames: nil
            }
        }
    }

    package let settings: Settings

    package init(_ settings: Settings) { self.settings = settings }

    /// Runs all repetitions; the figures of each path, by repetition.
    package func run() async throws -> [Path: [EchoBench.Figures]] {
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool(
                "bench",
                adapter: .echo,
                workers: 1,
                python: settings.python,
                arena: 4 << 30
            )
        }
        return try await orchestrator.running { krait in
            try await krait.ready()
            let tensor = try krait.tensor(shape: [settings.bytes / 8], for: "bench") {
                (numbers: UnsafeMutableBufferPointer<Double>) in
                numbers.initialize(repeating: 7)
            }
            guard krait.arenaUsage(of: "bench")?.refused == 0 else {
                throw PayloadFloor.Failure(description: "no room in /dev/shm")
            }
            let floor = try PayloadFloor(settings.bytes, python: settings.python)
            defer { floor.close() }
            var figures: [Path: [EchoBench.Figures]] = [:]
            for _ in 0..<settings.repetitions {
                for path in Path.allCases {
                    figures[path, default: []].append(try await measure(path, krait, tensor, floor))
                }
            }
            return figures
        }
    }

    private func measure(
        _ path: Path,
        _ krait: Orchestrator,
        _ tensor: Tensor,
        _ floor: PayloadFloor
    ) async throws -> EchoBench.Figures {
        let duration = settings.duration
        switch path {
        case .copy:
            // As the echo calls are made; the floors block their thread, which is not to be that.
            return try await krait.caller.run { _ in
                try await Self.timed(duration) {
                    let reply = try await krait.call("copy", ["data": .tensor(tensor)])
                    try Self.check(reply.value.tensor, count: tensor.count - 1)
                }
            }
        case .view:
            return try await krait.caller.run { _ in
                try await Self.timed(duration) {
                    let reply = try await krait.call("view", ["data": .tensor(tensor)])
                    guard reply.value.int == tensor.count else { throw EchoBench.WrongAnswer() }
                }
            }
        case .bareCopy: return try await Self.timed(duration) { try floor.copy() }
        case .bareView: return try await Self.timed(duration) { try floor.view() }
        case .frames: return try await Self.timed(duration) { try floor.frames() }
        }
    }

    private static func timed(
        _ duration: Duration,
        _ once: () async throws -> Void
    ) async throws -> EchoBench.Figures {
        // The first one maps and faults in what is used again by the others.
        try await once()
        var latencies: [Duration] = []
        let start = ContinuousClock.now
        while latencies.count < 3 || start.duration(to: .now) < duration {
            let before = ContinuousClock.now
            try await once()
            latencies.append(before.duration(to: .now))
        }
        return EchoBench.Figures(latencies, in: start.duration(to: .now))
    }

    static func check(_ tensor: Tensor?, count: Int) throws {
        let isSame = try tensor?.withUnsafeNumbers(as: Double.self) {
            $0.count == count && $0.first == 7 && $0.last == 7
        }
        guard isSame == true else { throw EchoBench.WrongAnswer() }
    }

    /// The median over the repetitions of a floor's median time, over Krait's: its share of the
    /// floor's rate.
    package static func ratio(_ path: [EchoBench.Figures], _ floor: [EchoBench.Figures]) -> Double {
        median(zip(path, floor).map { $1.p50Microseconds / $0.p50Microseconds })
    }
}
