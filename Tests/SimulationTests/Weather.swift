import KraitPooling
import KraitTestSupport

/// How a simulated world treats a pool; drawn from a seed.
///
/// Times are in milliseconds.
struct Weather {
    var configuration: PoolConfiguration
    var slots: ClosedRange<Int>
    var calls: Int
    /// After how many of them the pool's end begins.
    var callsBeforeEnd: Int
    /// How many calls come at once, and the time between such bursts.
    var burst: ClosedRange<Int>
    var gap: ClosedRange<Int>
    var latency: ClosedRange<Int>
    var startTime: ClosedRange<Int>

    // How many of a thousand…
    /// … calls have a deadline, and which.
    var withDeadline: Int
    var deadline: ClosedRange<Int>
    /// … calls are cancelled by their callers.
    var cancelled: Int
    /// … calls are never answered, and never once they are cancelled.
    var hanging: Int
    var deaf: Int
    /// … calls end their worker.
    var deadly: Int
    /// … answers come twice, or again from a worker that was not asked.
    var repeated: Int
    /// … starts fail, and fail for good.
    var failingStarts: Int
    var impossibleStarts: Int
    /// … workers fall silent at some time.
    var silent: Int
    /// … calls may be made twice.
    var idempotent: Int
    /// … calls fail for want of something, or are refused by their worker.
    var failing: Int
    var overloaded: Int
    /// … calls stream, have tools, and make calls from within those.
    var streaming: Int
    var withTools: Int
    var nesting: Int
    /// … chunks, tool calls and ends are not as the protocol says.
    var lawless: Int
    /// … calls of the content 0 end their worker.
    var poison: Int

    var callers: ClosedRange<Int>
    var priorities: ClosedRange<Int>
    var contents: ClosedRange<Int>

    /// How much a worker grows with each call it answers, and what it begins with.
    var leak: Int
    var baseline: ClosedRange<Int>
    /// How many of a thousand bursts of calls somebody changes the pool beside.
    var steered: Int

    var ending: Ending

    /// How the pool's life ends.
    enum Ending: CaseIterable {
        /// Every call has a deadline, so a drain must come to its end by itself.
        case drain
        case drainThenStop
        case stop
    }

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func one(of choices: [Int]) -> Int {
            choices[Int.random(in: choices.indices, using: &random)]
        }

        configuration = PoolConfiguration(
            workers: one(of: [1, 1, 2, 3, 5, 8]),
            queueLimit: one(of: [0, 1, 5, 50, 1_000]),
            startsAtOnce: one(of: [1, 2, 4, 8]),
            maximumStartFailures: one(of: [1, 3, 5, 20]),
            stableAfter: .milliseconds(one(of: [0, 100, 5_000])),
            backoff: RestartDelay(
                base: .milliseconds(one(of: [0, 1, 100])),
                maximum: .milliseconds(one(of: [100, 10_000]))
            ),
            abandonedGrace: .milliseconds(one(of: [0, 1, 100, 5_000]))
        )
        let most = one(of: [1, 1, 2, 4, 16])
        slots = one(of: [1, most])...most
        calls = 200
        callsBeforeEnd = one(of: [1, 30, 100, 200, 200])
        burst = 1...one(of: [1, 1, 4, 40])
        gap = 0...one(of: [1, 10, 100])
        latency = 0...one(of: [0, 3, 30, 300])
        startTime = 0...one(of: [0, 20, 400])
        ending = Ending.allCases[one(of: [0, 1, 2])]
        withDeadline = ending == .drain ? 1_000 : one(of: [0, 500, 1_000])
        let tightest = one(of: [0, 1, 50])
        deadline = tightest...one(of: [tightest + 1, 100, 1_000, 20_000])
        cancelled = one(of: [0, 0, 50, 500])
        hanging = one(of: [0, 0, 10, 100])
        deaf = one(of: [0, 300, 1_000])
        deadly = one(of: [0, 0, 5, 100])
        repeated = one(of: [0, 50])
        failingStarts = one(of: [0, 0, 100, 600])
        impossibleStarts = one(of: [0, 0, 0, 10])
        silent = one(of: [0, 0, 100])
        idempotent = one(of: [0, 500, 1_000])
        failing = one(of: [0, 0, 0, 100, 600])
        overloaded = one(of: [0, 0, 50])
        poison = one(of: [0, 0, 0, 1_000])
        callers = 0...one(of: [0, 1, 5])
        priorities = one(of: [0, 1]) == 0 ? 1...1 : 0...2
        contents = one(of: [0, 1]) == 0 ? 0...5 : 0...100_000
        leak = one(of: [0, 1, 40])
        baseline = 0...one(of: [0, 200])
        steered = one(of: [0, 0, 5, 50])
        streaming = one(of: [0, 0, 300])
        withTools = one(of: [0, 0, 300])
        nesting = one(of: [0, 500, 1_000])
        lawless = one(of: [0, 0, 20])
        configuration.admit(one)
        configuration.renew(one)
    }
}

extension PoolConfiguration {
    /// Which calls are taken and made again.
    fileprivate mutating func admit(_ one: ([Int]) -> Int) {
        breaker = BreakerPolicy(
            window: .milliseconds(one([10, 1_000, 30_000])),
            minimumCalls: one([1, 10]),
            failureRate: Double(one([5, 5, 20])) / 10,
            slowCall: one([0, 0, 0, 0, 1]) == 1 ? .milliseconds(20) : nil,
            patience: .milliseconds(one([0, 100])),
            openFor: .milliseconds(one([1, 20, 500])),
            probes: one([1, 3])
        )
        retries = RetryPolicy(
            attempts: one([1, 3, 5]),
            delay: RestartDelay(base: .milliseconds(one([0, 20])), maximum: .seconds(1)),
            budget: one([0, 1]) == 1 ? 0.1 : 1,
            room: one([1, 16, 1_024])
        )
        rate = one([0, 0, 0, 0, 0, 1]) == 1 ? RateLimit(perSecond: 200, burst: 20) : nil
        callerRate = one([0, 0, 0, 0, 0, 1]) == 1 ? RateLimit(perSecond: 100, burst: 5) : nil
    }

    /// When workers are replaced, and a failed pool is tried again.
    fileprivate mutating func renew(_ one: ([Int]) -> Int) {
        recycling = RecyclingPolicy(
            maximumAge: one([0, 0, 1]) == 0 ? nil : .milliseconds(one([100, 1_000])),
            maximumCalls: one([0, 0, 1]) == 0 ? nil : one([1, 7, 50]),
            maximumResidentBytes: one([0, 0, 1]) == 0 ? nil : one([100, 1_000]),
            patience: .milliseconds(one([1, 100, 120_000]))
        )
        recovery = RecoveryDelay(
            base: .milliseconds(one([10, 1_000])),
            maximum: .milliseconds(one([1_000, 10_000]))
        )
    }
}
