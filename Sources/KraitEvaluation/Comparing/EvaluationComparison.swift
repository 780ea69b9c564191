import Foundation

/// Two evaluations of the same examples, compared pair by pair.
///
/// The interval is a paired bootstrap's: the pairs are drawn again and again, with replacement, and
/// what the middle 95 % of the draws have as their mean difference is where the true one may well
/// be. The draws are of a fixed seed, so the same scores always give the same interval.
public struct EvaluationComparison: Sendable, Equatable {
    /// What can be said of the second evaluation.
    public enum Verdict: String, Sendable {
        /// The whole interval is above zero.
        case better
        /// The whole interval is below zero.
        case worse
        /// The difference may be chance.
        case unclear
    }

    /// How many pairs there are.
    public let count: Int
    /// The first's mean score in percent, as DSPy rounds it.
    public let before: Double
    /// The second's mean score in percent, as DSPy rounds it.
    public let after: Double
    /// How many pairs score more in the second.
    public let better: Int
    /// How many pairs score less in the second.
    public let worse: Int
    /// By how many points of a percent the second's mean is above the first's.
    public let difference: Double
    /// Between which points the difference lies, with 95 % confidence.
    public let interval: ClosedRange<Double>
    /// How likely so uneven a split of better and worse is by chance: an exact sign test of both
    /// sides, which is McNemar's where scores are 0 or 1.
    public let signTest: Double

    /// How many pairs score the same.
    public var same: Int { count - better - worse }

    /// What the interval says.
    public var verdict: Verdict {
        if interval.lowerBound > 0 { return .better }
        return interval.upperBound < 0 ? .worse : .unclear
    }

    /// Compares scores of the same examples, of which each has one in both; further ones of either
    /// side are left out.
    ///
    /// Takes a tenth of a second for thousands of pairs; from 10,000 on the interval is the normal
    /// distribution's, which by then is the same.
    public init(before: [Double], after: [Double]) {
        let differences = zip(before, after).map { $1 - $0 }
        count = differences.count
        self.before = EvaluationScore.percent(before.prefix(count).reduce(0, +), of: count)
        self.after = EvaluationScore.percent(after.prefix(count).reduce(0, +), of: count)
        better = differences.count { $0 > 0 }
        worse = differences.count { $0 < 0 }
        difference = 100 * Self.mean(differences)
        let interval = Self.interval(of: differences)
        self.interval = (100 * interval.lowerBound)...(100 * interval.upperBound)
        signTest = Self.signTest(better, worse)
    }

    private static func mean(_ numbers: [Double]) -> Double {
        numbers.isEmpty ? 0 : numbers.reduce(0, +) / Double(numbers.count)
    }

    private static func interval(of differences: [Double]) -> ClosedRange<Double> {
        let mean = mean(differences)
        // Where all are alike, so are all draws.
        guard let first = differences.first, differences.contains(where: { $0 != first }) else {
            return mean...mean
        }
        let count = differences.count
        guard count < 10_000 else {
            let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let half = 1.96 * (squares / Double(count - 1) / Double(count)).squareRoot()
            return (mean - half)...(mean + half)
        }
        let draws = count <= 1_000 ? 10_000 : 2_000
        var random = SplitMix(state: 0x6B72_6169_74)
        var means = (0..<draws).map { _ in
            var total = 0.0
            for _ in 0..<count { total += differences[random.next(below: count)] }
            return total / Double(count)
        }
        means.sort()
        return means[draws / 40]...means[draws - 1 - draws / 40]
    }

    private static func signTest(_ better: Int, _ worse: Int) -> Double {
        let count = better + worse
        guard count > 0 else { return 1 }
        let all = lgamma(Double(count + 1)) - Double(count) * log(2)
        let tail = (0...min(better, worse)).reduce(0.0) { sum, few in
            sum + exp(all - lgamma(Double(few + 1)) - lgamma(Double(count - few + 1)))
        }
        return min(1, 2 * tail)
    }
}

/// Sebastiano Vigna's SplitMix64: numbers that look random, the same ones each time.
private struct SplitMix {
    var state: UInt64

    mutating func next(below limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        // The bias of this is below 2⁻⁴⁰ for the counts that are drawn from.
        return Int(mixed.multipliedFullWidth(by: UInt64(limit)).high)
    }
}
