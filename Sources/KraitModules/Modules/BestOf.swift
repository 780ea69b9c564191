import KraitLM
import KraitRouting
import KraitWire

/// How good what a program made is: the inputs, and the output fields.
public typealias Reward =
    @Sendable (_ inputs: ValueMap, _ outputs: ValueMap) async throws -> Double

extension Program {
    /// DSPy's `BestOfN`: up to `count` attempts, each at a temperature of 1.
    ///
    /// The first that reaches `threshold` is taken, or else the best.
    ///
    /// - Parameters:
    ///   - failures: how many attempts may fail, as DSPy counts them; nil for `count`.
    ///   - reward: what an attempt is worth; what it throws is a failure of the attempt.
    /// - Note: an attempt that only Python can make is an error of the whole run, as is the task's
    ///   cancellation. Where no attempt succeeds the last one's error is thrown; DSPy gives `None`.
    public func bestOf(
        _ count: Int,
        threshold: Double,
        failures: Int? = nil,
        reward: @escaping Reward
    ) -> Program {
        let attempts = Attempts(count, threshold: threshold, failures: failures, reward: reward)
        return Program([("module", self)]) { parts, inputs throws(PredictFailure) in
            try await attempts.run { number throws(PredictFailure) in
                var context = parts.context
                context.rollout = number
                let output = try await parts.run("module", inputs, in: context)
                return (output, try await attempts.value(of: output, for: inputs))
            }
        }
    }
}

/// Attempts of which the best one counts.
struct Attempts: Sendable {
    let count: Int
    let threshold: Double?
    private let failures: Int
    private let reward: Reward

    init(_ count: Int, threshold: Double?, failures: Int?, reward: @escaping Reward) {
        self.count = min(max(count, 1), ModuleLimits.attempts)
        self.threshold = threshold
        // As Python's `or` has it, none is as many as there are attempts.
        self.failures = failures.flatMap { $0 == 0 ? nil : $0 } ?? self.count
        self.reward = reward
    }

    func value(
        of output: ProgramOutput,
        for inputs: ValueMap
    ) async throws(PredictFailure) -> Double {
        do {
            return try await reward(inputs, output.fields)
        } catch {
            throw .raised(.raised(by: error, in: "The reward"))
        }
    }

    /// Whether it is good enough to end with.
    func suffices(_ value: Double) -> Bool { threshold.map { value >= $0 } ?? false }

    /// Makes attempts until one suffices; `afterwards` follows each that does not, but the last.
    func run(
        _ attempt: (Int) async throws(PredictFailure) -> (ProgramOutput, Double),
        afterwards: (ProgramOutput, Double) async throws(PredictFailure) -> Void = { _, _ in }
    ) async throws(PredictFailure) -> ProgramOutput {
        var best: (output: ProgramOutput, value: Double)?
        var last: PredictFailure?
        var allowed = failures
        for number in 0..<count {
            do throws(PredictFailure) {
                let (output, value) = try await attempt(number)
                if value > best?.value ?? -.infinity { best = (output, value) }
                if suffices(value) { break }
                if number < count - 1 { try await afterwards(output, value) }
            } catch {
                if error.endsAttempts || number > allowed { throw error }
                allowed -= 1
                last = error
            }
        }
        if let best { return best.output }
        throw last ?? .refused("No attempt was worth anything: each reward was minus infinity.")
    }
}

extension PredictFailure {
    /// Whether another attempt makes no sense: only Python can tell, or nobody waits any more.
    fileprivate var endsAttempts: Bool {
        switch self {
        case .delegated: true
        case .raised(let error): [.cancelled, .delegated].contains(error.code)
        case .unanswered(let error): error.kind == .cancelled
        case .refused, .unparsable: false
        }
    }
}
