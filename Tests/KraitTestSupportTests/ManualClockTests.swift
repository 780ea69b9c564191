import KraitObservability
import KraitTestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ManualClockTests {
    private let clock = ManualClock()

    @Test func `sleepers wake in the order of their deadlines and not before`() async throws {
        let woken = Lock<[Int]>([])
        try await withThrowingTaskGroup(of: Void.self) { [clock] group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try await clock.sleep(for: .seconds(seconds))
                    woken.withLock { $0.append(seconds) }
                }
            }
            try await clock.waitForSleepers(3)
            #expect(clock.nextDeadline?.offset == .seconds(1))
            clock.advance(by: .milliseconds(999))
            #expect(clock.sleepers == 3)
            for second in 1...3 {
                clock.advance(by: .seconds(1))
                #expect(await eventually { woken.withLock { $0.count } == second })
            }
            try await group.waitForAll()
        }
        #expect(woken.withLock { $0 } == [1, 2, 3])
        #expect(clock.now.offset == .milliseconds(3_999))
    }

    @Test func `a deadline that has passed is not slept for`() async throws {
        clock.advance(by: .seconds(1))
        try await clock.sleep(until: .init(.seconds(1)), tolerance: nil)
        #expect(clock.sleepers == 0)
        #expect(clock.nextDeadline == nil)
    }

    @Test func `a cancelled sleeper throws, before it lies down and after`() async throws {
        await withTaskGroup(of: Void.self) { [clock] group in
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    try await clock.sleep(for: .seconds(1))
                }
            }
            #expect(await eventually { clock.sleepers == 1 })
            group.cancelAll()
            await group.waitForAll()
            group.addTask {
                withUnsafeCurrentTask { $0?.cancel() }
                await #expect(throws: CancellationError.self) {
                    try await clock.sleep(for: .seconds(1))
                }
            }
        }
        #expect(clock.sleepers == 0)
    }

    @Test func `waiting for sleepers ends when they are there, or when it is cancelled`()
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { [clock] group in
            group.addTask { try await clock.waitForSleepers(1) }
            group.addTask { try? await clock.sleep(for: .seconds(1)) }
            try await group.next()
            #expect(clock.sleepers == 1)
            group.addTask {
                await #expect(throws: CancellationError.self) {
                    try await clock.waitForSleepers(2)
                }
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct SupportTests {
    @Test func `the generator gives the published numbers of its seed`() {
        var generator = SplitMix64(seed: 1_234_567)
        let numbers = (0..<3).map { _ in generator.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ]
        )
    }

    @Test func `a condition that never comes true ends at the bound`() async {
        #expect(await !eventually(within: .milliseconds(20)) { false })
    }

    @Test func `a condition is looked at until it is true`() async {
        var looks = 0
        let came = await eventually(within: .seconds(50)) {
            looks += 1
            return looks == 150
        }
        #expect(came && looks == 150)
    }
}
