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
        /// Through Krait: in place, copied once by the worker, looked at where the copy lies.
        case copy = "krait.copy"
        /// The same on bare shared memory.
        case bareCopy = "floor.copy"
        /// Through Krait: looked at, and sent back as they lie.
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
            guard let bytes = krait.allocate(settings.bytes, for: "bench") else {
                throw PayloadFloor.Failure(description: "no room in /dev/shm")
            }
            bytes.storage.initializeMemory(as: UInt8.self, repeating: 7)
            let floor = try PayloadFloor(settings.bytes, python: settings.python)
            defer { floor.close() }
            var figures: [Path: [EchoBench.Figures]] = [:]
            for _ in 0..<settings.repetitions {
                for path in Path.allCases {
                    figures[path, default: []].append(try await measure(path, krait, bytes, floor))
                }
            }
            return figures
        }
    }

    private func measure(
        _ path: Path,
        _ krait: Orchestrator,
        _ bytes: ArenaBytes,
        _ floor: PayloadFloor
    ) async throws -> EchoBench.Figures {
        func once() async throws {
            switch path {
            case .copy: try await exchange("copy", krait, bytes, count: settings.bytes - 1)
            case .view: try await exchange("back", krait, bytes, count: settings.bytes)
            case .bareCopy: try floor.copy()
            case .bareView: try floor.view()
            case .frames: try floor.frames()
            }
        }
        // The first one maps and faults in what is used again by the others.
        try await once()
        var latencies: [Duration] = []
        let start = ContinuousClock.now
        while latencies.count < 3 || start.duration(to: .now) < settings.duration {
            let before = ContinuousClock.now
            try await once()
            latencies.append(before.duration(to: .now))
        }
        return EchoBench.Figures(latencies, in: start.duration(to: .now))
    }

    private func exchange(
        _ operation: String,
        _ krait: Orchestrator,
        _ bytes: ArenaBytes,
        count: Int
    ) async throws {
        let back = try await krait.exchange(operation, bytes, with: "bench")
        let isSame =
            back.first?.withUnsafeBytes { $0.count == count && $0.first == 7 && $0.last == 7 }
        guard isSame == true else { throw EchoBench.WrongAnswer() }
    }

    /// The median over the repetitions of a floor's median time, over Krait's: its share of the
    /// floor's rate.
    package static func ratio(_ path: [EchoBench.Figures], _ floor: [EchoBench.Figures]) -> Double {
        median(zip(path, floor).map { $1.p50Microseconds / $0.p50Microseconds })
    }
}
