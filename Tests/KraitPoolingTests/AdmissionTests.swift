import KraitWire
import Testing

@testable import KraitPooling

/// Rates, retries and quarantine by themselves.
@Suite struct AdmissionTests {
    @Test func `a bucket lets a burst through and then keeps its rate`() {
        var bucket = TokenBucket(RateLimit(perSecond: 10, burst: 3), at: origin)
        for _ in 0..<3 { #expect(bucket.take(at: origin) == nil) }
        #expect(bucket.take(at: origin) == .milliseconds(100))
        #expect(bucket.take(at: at(60)) == .milliseconds(40))
        #expect(bucket.take(at: at(101)) == nil)
        #expect(bucket.take(at: at(101)) != nil)
        for _ in 0..<3 { #expect(bucket.take(at: at(60_000)) == nil) }
        #expect(bucket.take(at: at(60_000)) != nil, "more than the burst is not saved")
    }

    @Test func `a clock that stands still gives nothing`() {
        var bucket = TokenBucket(RateLimit(perSecond: 1), at: at(10))
        #expect(bucket.take(at: at(10)) == nil)
        #expect(bucket.take(at: at(0)) == .seconds(1))
    }

    @Test func `each caller has a rate of its own, and those that rest are forgotten`() {
        var rates = CallerBuckets(RateLimit(perSecond: 1, burst: 1))
        for caller in 1...UInt64(CallerBuckets.maximumCount) {
            #expect(rates.take(of: caller, at: origin) == nil)
        }
        #expect(rates.take(of: 7, at: at(1)) != nil)
        #expect(rates.take(of: 20_000, at: at(2_000)) == nil)
        #expect(rates.count == CallerBuckets.maximumCount / 2 + 1)
    }

    @Test func `retries stay a share of the calls`() {
        var budget = RetryBudget(share: 0.1)
        var retried = 0
        while budget.spend() { retried += 1 }
        #expect(retried == 10, "what a pool begins with")
        for _ in 0..<9 { budget.callAccepted() }
        #expect(budget.saved < 1)
        for _ in 0..<2 { budget.callAccepted() }
        let granted = [budget.spend(), budget.spend()]
        #expect(granted == [true, false])
        for _ in 0..<100_000 { budget.callAccepted() }
        #expect(budget.saved == RetryBudget.maximum)
    }

    @Test(arguments: [(1, 0.0, 0), (1, 0.5, 10), (2, 0.5, 20), (3, 0.5, 40), (30, 0.5, 500)])
    func `pauses grow, and each is a random share`(attempts: Int, random: Double, pause: Int) {
        let policy = RetryPolicy()
        let drawn = policy.pause(afterAttempts: attempts, random: random)
        #expect(drawn == .milliseconds(pause))
    }

    @Test func `a content at three deaths is refused until it is forgotten`() {
        var quarantine = Quarantine(memory: .milliseconds(100))
        #expect(quarantine.isEmpty && quarantine.verdict(on: 1, at: origin) == .free)
        quarantine.workerDied(having: 1, ending: "signal 11", at: origin)
        #expect(!quarantine.isEmpty && quarantine.verdict(on: 1, at: origin) == .free)
        quarantine.workerDied(having: 1, ending: "signal 11", at: at(50))
        #expect(quarantine.verdict(on: 1, at: at(50)) == .isolated)
        quarantine.workerDied(having: 1, ending: "signal 6", at: at(60))
        #expect(
            quarantine.verdict(on: 1, at: at(159)) == .refused(deaths: 3, ending: "signal 6")
        )
        #expect(quarantine.verdict(on: 2, at: at(60)) == .free)
        #expect(quarantine.verdict(on: 1, at: at(160)) == .free)
        #expect(quarantine.isEmpty)
    }

    @Test func `an answer clears a content`() {
        var quarantine = Quarantine(memory: .seconds(1))
        for _ in 0..<2 { quarantine.workerDied(having: 1, ending: "", at: origin) }
        quarantine.answered(1)
        quarantine.workerDied(having: 1, ending: "", at: origin)
        #expect(quarantine.verdict(on: 1, at: origin) == .free)
    }

    @Test func `no more contents are remembered than its bound, the latest ones`() {
        var quarantine = Quarantine(memory: .seconds(100))
        for content in 0...UInt64(Quarantine.maximumCount) {
            for _ in 0..<3 {
                quarantine.workerDied(having: content, ending: "", at: at(Int(content)))
            }
        }
        #expect(quarantine.verdict(on: 0, at: at(2_000)) == .free)
        for content in 1...UInt64(Quarantine.maximumCount) {
            #expect(quarantine.verdict(on: content, at: at(2_000)) != .free)
        }
    }
}
