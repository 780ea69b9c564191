import KraitEvaluation
import Testing

@Suite struct ComparisonTests {
    @Test func `what is the same in both has no difference`() {
        let found = EvaluationComparison(before: [1, 0, 0.5], after: [1, 0, 0.5])
        #expect(found.difference == 0)
        #expect(found.interval == 0...0)
        #expect(found.signTest == 1)
        #expect(found.verdict == .unclear)
        #expect(found.same == 3)
    }

    @Test func `nothing compared is no difference`() {
        let found = EvaluationComparison(before: [], after: [])
        #expect(found.count == 0 && found.before == 0 && found.after == 0)
        #expect(found.interval == 0...0)
        #expect(found.verdict == .unclear)
    }

    /// The p-values of R's `binom.test(few, few + many)`.
    @Test(arguments: [(10, 0, 0.001953125), (9, 1, 0.021484375), (5, 5, 1.0), (21, 10, 0.07075)])
    func `the sign test is exact`(better: Int, worse: Int, p: Double) {
        let before =
            Array(repeating: 0.0, count: better) + Array(repeating: 1.0, count: worse) + [1, 1, 0]
        let after =
            Array(repeating: 1.0, count: better) + Array(repeating: 0.0, count: worse) + [1, 1, 0]
        let found = EvaluationComparison(before: before, after: after)
        #expect(abs(found.signTest - p) < 1e-5)
        #expect(found.better == better && found.worse == worse && found.same == 3)
    }

    @Test func `the interval is that of the mean's error, and always the same`() {
        // 100 pairs, 30 better and 10 worse: a mean of 0.2 with a standard error of 0.06.
        let after = (0..<100).map { $0 < 30 ? 1.0 : $0 < 40 ? -1.0 : 0.0 }
        let before = [Double](repeating: 0, count: 100)
        let found = EvaluationComparison(before: before, after: after)
        #expect(abs(found.difference - 20) < 1e-9)
        #expect(abs(found.interval.lowerBound - 8) < 1.5)
        #expect(abs(found.interval.upperBound - 32) < 1.5)
        #expect(found.verdict == .better)
        #expect(EvaluationComparison(before: before, after: after) == found)
        #expect(EvaluationComparison(before: after, after: before).verdict == .worse)
    }

    @Test func `the interval of very many is as that of many`() {
        func comparison(_ count: Int) -> EvaluationComparison {
            let after = (0..<count).map { $0 % 10 < 3 ? 1.0 : 0 }
            let before = (0..<count).map { $0 % 10 > 7 ? 1.0 : 0 }
            return EvaluationComparison(before: before, after: after)
        }
        let (many, veryMany) = (comparison(9_990), comparison(10_000))
        #expect(abs(many.interval.lowerBound - veryMany.interval.lowerBound) < 0.2)
        #expect(abs(many.interval.upperBound - veryMany.interval.upperBound) < 0.2)
    }
}
