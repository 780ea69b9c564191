import Glibc
import Krait

/// Measures what a pipeline adds to its steps.
package struct PipelineBench: Sendable {
    /// The figures, in microseconds.
    package struct Figures: Sendable {
        /// A step that does nothing, of a run of a hundred.
        package var nativeStep: Double
        /// The same, with a trace.
        package var tracedStep: Double
        /// The median of a bare call of a Python worker.
        package var call: Double
        /// The median of what the same call takes longer as a pipeline's only step, each pair made
        /// one right after the other.
        package var added: Double
        /// An element of a fan-out of many, in its mean.
        package var fanOutElement: Double
        /// What the fan-out's memory was at most above what it was before, in MiB.
        package var fanOutMemory: Double
    }

    /// How many elements the fan-out has, and how many of them are under way at once.
    package static let fanOutSize = (elements: 100_000, width: 64)

    /// How long the calls of a repetition are made.
    package let duration: Duration
    package let repetitions: Int

    package init(duration: Duration, repetitions: Int) {
        self.duration = duration
        self.repetitions = repetitions
    }

    /// One call, as a step.
    private struct Echo: Step {
        let name = "Echo"

        func run(_ input: ValueMap, in context: RunContext) async throws(CallError) -> Value {
            try await context.call(Call("echo", input, options: context.options)).value
        }
    }

    /// Measures with a pool of one worker, calls and steps in turn.
    package func run(onFigures: @escaping @Sendable (Int, Figures) throws -> Void) async throws {
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool("bench", adapter: .echo, workers: 1)
        }
        try await orchestrator.running { krait in
            try await krait.ready()
            for number in 1...repetitions {
                let (call, added) = try await calls(krait)
                let (element, memory) = try await fanOut(krait)
                let figures = Figures(
                    nativeStep: try await nativeStep(krait, traced: false),
                    tracedStep: try await nativeStep(krait, traced: true),
                    call: call,
                    added: added,
                    fanOutElement: element,
                    fanOutMemory: memory
                )
                try onFigures(number, figures)
            }
        }
    }

    private func nativeStep(_ krait: Orchestrator, traced: Bool) async throws -> Double {
        let ten = Pipeline<Int, Int>("ten") {
            Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>()
            Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>(); Pass<Int>()
        }
        var best = Double.infinity
        for _ in 0..<200 {
            let trace = traced ? Trace() : nil
            let start = ContinuousClock.now
            for _ in 0..<10 { _ = try await krait.run(ten, 1, trace: trace) }
            best = min(best, start.duration(to: .now) / .microseconds(100))
        }
        return best
    }

    /// Bare calls and steps made in turn, each first as often as second.
    private func calls(_ krait: Orchestrator) async throws -> (call: Double, added: Double) {
        let pipeline = Pipeline<ValueMap, Value>("echo") { Echo() }
        let arguments: ValueMap = ["text": .string(String(repeating: "x", count: 80))]
        func time(asStep isStep: Bool) async throws -> Double {
            let start = ContinuousClock.now
            if isStep {
                _ = try await krait.run(pipeline, arguments)
            } else {
                _ = try await krait.call("echo", arguments)
            }
            return start.duration(to: .now) / .microseconds(1)
        }
        var (bare, added): ([Double], [Double]) = ([], [])
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            let isStepFirst = bare.count % 2 == 1
            let first = try await time(asStep: isStepFirst)
            let second = try await time(asStep: !isStepFirst)
            bare.append(isStepFirst ? second : first)
            added.append(isStepFirst ? first - second : second - first)
        }
        return (median(bare), median(added))
    }

    /// Many elements that each hold some memory while they are under way.
    private func fanOut(_ krait: Orchestrator) async throws -> (element: Double, memory: Double) {
        let pipeline = Pipeline<[Int], [Int]>("fan-out") {
            ForEach(width: Self.fanOutSize.width) {
                Transform { (number: Int) in
                    let held = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16_384)
                    await Task.yield()
                    return held.count + number
                }
            }
        }
        let elements = Array(0..<Self.fanOutSize.elements)
        ResidentMemory.forgetPeak()
        let before = ResidentMemory.peak
        let start = ContinuousClock.now
        let outputs = try await krait.run(pipeline, elements)
        let time = start.duration(to: .now) / .microseconds(1) / Double(outputs.count)
        return (time, Double(ResidentMemory.peak - before) / Double(1 << 20))
    }
}

/// The memory of this process, as the kernel counts it.
private enum ResidentMemory {
    /// The most bytes that it had since the peak was forgotten.
    static var peak: Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = line.withUnsafeBytes {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard text.hasPrefix("VmHWM:") else { continue }
            return (Int(text.filter(\.isNumber)) ?? 0) << 10
        }
        return 0
    }

    /// Lets the peak be what there is now.
    static func forgetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return }
        fputs("5", file)
        fclose(file)
    }
}
