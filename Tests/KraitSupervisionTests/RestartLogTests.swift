import KraitTestSupport
import Testing

@testable import KraitSupervision

@Suite(.timeLimit(.minutes(1))) struct RestartLogTests {
    @Test(arguments: [
        // At most 3 in 5 s: the times of restarts in ms, and whether each is allowed.
        ([0, 0, 0, 0], [true, true, true, false]),
        ([0, 1_000, 2_000, 5_000], [true, true, true, false]),
        ([0, 1_000, 2_000, 5_001], [true, true, true, true]),
        ([0, 2_500, 5_001, 7_501, 10_002], [true, true, true, true, true]),
        ([0, 4_000, 4_500, 5_001, 5_002], [true, true, true, true, false]),
        // A refused one counts as well.
        ([0, 0, 0, 0, 4_999], [true, true, true, false, false]),
    ])
    func `three in five seconds`(times: [Int], allowed: [Bool]) {
        var log = RestartLog<ManualClock.Instant>(.atMost(3, within: .seconds(5)))
        let verdicts = times.map { log.restarted(at: .init(.milliseconds($0))) }
        #expect(verdicts == allowed)
    }

    @Test func `an intensity of none allows none`() {
        var log = RestartLog<ManualClock.Instant>(.atMost(0, within: .seconds(5)))
        let isAllowed = log.restarted(at: .init())
        #expect(!isAllowed)
    }

    @Test func `the standard is Elixir's`() {
        #expect(RestartIntensity.standard == .atMost(3, within: .seconds(5)))
    }

    @Test func `an intensity without a window is a mistake in the program`() async {
        await #expect(processExitsWith: .failure) {
            _ = RestartIntensity.atMost(1, within: .zero)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct BackoffTests {
    private let backoff = Backoff(
        base: .milliseconds(100),
        factor: 2,
        maximum: .seconds(1),
        stableAfter: .seconds(10)
    )

    @Test func `the bound doubles up to the maximum`() {
        var backoff = backoff
        let waits = (0..<6).map { _ in backoff.failed(after: .zero, random: 0.5) }
        #expect(waits == [50, 100, 200, 400, 500, 500].map { .milliseconds($0) })
        #expect(backoff.failures == 6)
    }

    @Test(arguments: [0.0, 0.25, 0.999])
    func `the jitter is over the whole of the bound`(random: Double) {
        var backoff = backoff
        let wait = backoff.failed(after: .zero, random: random)
        #expect(abs(wait / .milliseconds(100) - random) < 1e-9)
    }

    @Test func `a stable time begins anew`() {
        var backoff = backoff
        for _ in 0..<5 { _ = backoff.failed(after: .milliseconds(9_999), random: 0.5) }
        #expect(backoff.failures == 5)
        #expect(backoff.failed(after: .seconds(10), random: 0.5) == .milliseconds(50))
        #expect(backoff.failures == 1)
    }

    @Test func `a factor of one waits the same each time`() {
        var backoff = Backoff(base: .seconds(1), factor: 1, maximum: .seconds(1))
        for _ in 0..<3 { #expect(backoff.failed(after: .zero, random: 0.5) == .seconds(0.5)) }
    }

    @Test(arguments: [1.0, -0.1])
    func `a random number outside of 0..<1 is a mistake in the program`(random: Double) async {
        await #expect(processExitsWith: .failure) { [random] in
            var backoff = Backoff()
            _ = backoff.failed(after: .zero, random: random)
        }
    }
}
