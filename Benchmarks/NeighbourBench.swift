import Krait
import KraitWire

/// Measures the small calls of one pool while large values go to and fro in another, beside the
/// same calls alone: what a neighbour on the same I/O thread costs.
package struct NeighbourBench: Sendable {
    /// What the other pool does meanwhile.
    package enum Neighbour: String, Sendable, CaseIterable {
        /// Nothing.
        case none = "alone"
        /// Tensors through shared memory.
        case shared
        /// The same as frames.
        case frames
    }

    package let bytes: Int
    package let duration: Duration
    package let repetitions: Int
    package let python: String?

    package init(
        bytes: Int = 16 << 20,
        duration: Duration = .seconds(1),
        repetitions: Int = 3,
        python: String? = nil
    ) {
        self.bytes = bytes
        self.duration = duration
        self.repetitions = repetitions
        self.python = python
    }

    /// Runs all repetitions; the small calls' figures beside each neighbour, by repetition.
    package func run() async throws -> [Neighbour: [EchoBench.Figures]] {
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool("bench", adapter: .echo, workers: 1, python: python)
            PythonPool("shared", adapter: .echo, workers: 1, python: python)
            PythonPool("frames", adapter: .echo, workers: 1, python: python, arena: nil)
        }
        return try await orchestrator.running { krait in
            try await krait.ready()
            var figures: [Neighbour: [EchoBench.Figures]] = [:]
            for _ in 0..<repetitions {
                for neighbour in Neighbour.allCases {
                    figures[neighbour, default: []].append(try await measure(neighbour, krait))
                }
            }
            return figures
        }
    }

    private func measure(
        _ neighbour: Neighbour,
        _ krait: Orchestrator
    ) async throws -> EchoBench.Figures {
        guard neighbour != .none else {
            return try await EchoBench.keepFull(1, for: duration, krait)
        }
        let name = neighbour.rawValue
        let tensor = try krait.tensor(shape: [bytes / 8], for: name) {
            (numbers: UnsafeMutableBufferPointer<Double>) in
            numbers.initialize(repeating: 7)
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    let arguments: ValueMap = ["data": .tensor(tensor)]
                    let reply = try await krait.call("copy", arguments, on: .pool(name))
                    try PayloadBench.check(reply.value.tensor, count: tensor.count - 1)
                }
            }
            let figures = try await EchoBench.keepFull(1, for: duration, krait)
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError),
                    (error as? CallError)?.code != .cancelled
                {
                    throw error
                }
            }
            return figures
        }
    }
}
