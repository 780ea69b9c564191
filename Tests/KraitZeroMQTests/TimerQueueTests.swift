import Testing

@testable import KraitZeroMQ

@Suite struct TimerQueueTests {
    private let now = ContinuousClock.now

    @Test func `the wait is rounded up, and bounded`() {
        func wait(_ duration: Duration) -> Int32 {
            var timers = TimerQueue()
            _ = timers.add(at: now + duration) {}
            return timers.millisecondsToNext(from: now)
        }
        #expect(TimerQueue().millisecondsToNext(from: now) == -1)
        #expect(wait(.zero) == 0 && wait(.seconds(-5)) == 0)
        #expect(wait(.nanoseconds(1)) == 1 && wait(.microseconds(999)) == 1)
        #expect(wait(.microseconds(1_500)) == 2)
        #expect(wait(.seconds(60)) == 60_001, "a millisecond late is fine, early is not")
        #expect(wait(.seconds(1 << 40)) == .max && wait(.seconds(Int64.max)) == .max)
    }

    @Test func `timers are taken in order, those of one moment as they came`() {
        var timers = TimerQueue()
        var taken: [String] = []
        for (delay, name) in [(3, "c"), (1, "a"), (2, "b1"), (2, "b2"), (9, "d")] {
            _ = timers.add(at: now + .seconds(delay)) { taken.append(name) }
        }
        #expect(timers.takeDue(at: now) == nil)
        while let body = timers.takeDue(at: now + .seconds(3)) { body() }
        #expect(taken == ["a", "b1", "b2", "c"])
        #expect(timers.millisecondsToNext(from: now + .seconds(9)) == 0)
    }

    @Test func `a removed timer is gone, and the next one known`() {
        var timers = TimerQueue()
        let first = timers.add(at: now) {}
        _ = timers.add(at: now + .seconds(1)) {}
        timers.remove(first)
        timers.remove(first)
        #expect(timers.takeDue(at: now) == nil)
        #expect(timers.millisecondsToNext(from: now) == 1_001)
        #expect(timers.takeDue(at: now + .seconds(1)) != nil)
        #expect(timers.millisecondsToNext(from: now) == -1)
    }
}
