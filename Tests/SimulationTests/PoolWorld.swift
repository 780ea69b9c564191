import KraitTestSupport
import KraitWire

@testable import KraitPooling

/// A world in which a pool's machine lives: callers, workers and a clock, all made from a seed.
///
/// The world keeps its own books of what it saw the pool decide, and after each event compares
/// them with the machine's. A difference is a `Violation`, and ends the run.
struct PoolWorld {
    typealias Instant = Moment

    enum Event {
        case calls(Int)
        case cancelled(CallID)
        case answered(CallID, by: WorkerID)
        case ready(WorkerID)
        case mute(WorkerID)
        case ended(WorkerID, WorkerExit)
        case timer
        case drain
        case stop
        case steered(Steering)
        case measured(WorkerID)
        case chunk(CallID, by: WorkerID)
        case tool(CallID, by: WorkerID)
        case toolAnswered(CallID)
    }

    /// What people do to a pool that serves.
    enum Steering {
        case resize(Int)
        case recycle
        case pause(atOnce: Bool)
        case resume
    }

    /// A call the pool accepted.
    struct Promise {
        var traits: CallTraits
        /// What it asks for: equal numbers are equal calls.
        var content: Int
        var deadline: Int?
        var holder: WorkerID?
        var wasSent = false
        var isOver = false
        /// What its worker may still send, has sent, and has asked for.
        var credit = 0
        var chunks: UInt32 = 0
        var toolCalls: UInt32 = 0
        var openToolCalls = 0

        var hasBegun: Bool { chunks > 0 || toolCalls > 0 }
    }

    /// A worker process that lives.
    struct Life {
        var slots = 0
        var isReady = false
        var isMute = false
        var isTold = false
        /// Whether the pool has ended the calls it had, and knows of none any more.
        var isForgotten = false
        var baseline = 0
        var answered = 0
        /// What it is at, abandoned calls included.
        var running: Set<CallID> = []
    }

    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    let weather: Weather
    let origin: Instant
    var random: SplitMix64
    var pool: PoolStateMachine
    var agenda = Agenda<Event>()
    var now = 0

    var promises: [CallID: Promise] = [:]
    /// Calls that wait, in the order in which they came; those made again are `returned`.
    var queue: [CallID] = []
    var returned: Set<CallID> = []
    /// How many workers have died of a content since it was last answered.
    var deaths: [Int: Int] = [:]
    var lives: [WorkerID: Life] = [:]
    var incarnations: [Int: Int] = [:]
    /// When the timers that the pool counts on will fire.
    var timers: [Int] = []
    var isCancelling: CallID?
    /// The call within which a worker breaks the protocol at this moment.
    var isBreaking: CallID?
    var isDrained = false
    var ends = Ends()

    /// What was counted, to see that the worlds differ and that much happens in them.
    struct Ends: Equatable {
        var events = 0
        var accepted = 0
        var refused = 0
        var answered = 0
        var discarded = 0
        var cancelled = 0
        var expired = 0
        var lost = 0
        var retried = 0
        var displaced = 0
        var broken = 0
        var quarantined = 0
        var isolated = 0
        var limited = 0
        /// Accepted calls that were refused after all, since something changed.
        var dropped = 0
        var shutDown = 0
        var poolFailed = 0
        var started = 0
        var stuck = 0
        var finished = 0
        var steered = 0
        var drained = 0
        var paused = 0
        var recycled = 0
        var overdue = 0
        var recovering = 0
        var warned = 0
        var chunks = 0
        var toolCalls = 0
        var nested = 0
        /// Calls from within tools that had a slot beyond their worker's own.
        var beyond = 0
        var violated = 0
    }

    init(seed: UInt64) {
        weather = Weather(seed: seed)
        origin = .now
        random = SplitMix64(seed: ~seed)
        pool = PoolStateMachine(weather.configuration)
    }

    // MARK: The run

    /// Lives the whole life of a pool.
    mutating func run() throws(Violation) {
        agenda.add(.calls(weather.calls), at: 0)
        try perform(pool.started(at: instant))
        try check()
        while let (time, event) = agenda.takeNext() {
            now = max(now, time)
            ends.events += 1
            try happen(event)
            try check()
        }
        try checkEnd()
    }

    var instant: Instant { origin + .milliseconds(now) }

    mutating func draw(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

    mutating func happens(_ permille: Int) -> Bool { draw(0...999) < permille }

    private mutating func happen(_ event: Event) throws(Violation) {
        switch event {
        case .calls(let left): try makeCalls(left)
        case .cancelled(let id):
            isCancelling = id
            try perform(pool.callCancelled(id, at: instant))
            isCancelling = nil
        case .answered(let id, let worker): try answer(id, by: worker)
        case .ready(let id): try becomeReady(id)
        case .mute(let id): lives[id]?.isMute = true
        case .ended(let id, let exit): try end(id, exit)
        case .timer:
            timers.removeAll { $0 <= now }
            try perform(pool.timerFired(at: instant))
        case .drain:
            isDrained = true
            try perform(pool.drainRequested())
        case .stop:
            isDrained = true
            try perform(pool.stopRequested())
        case .steered(let steering): try steer(steering)
        case .measured(let id): try measure(id)
        case .chunk(let id, let worker): try sendChunk(id, by: worker)
        case .tool(let id, let worker): try callTool(id, by: worker)
        case .toolAnswered(let id): try answerTool(id)
        }
    }

    // MARK: Callers

    private mutating func makeCalls(_ left: Int) throws(Violation) {
        let count = min(left, draw(weather.burst))
        for _ in 0..<count { try makeCall() }
        if happens(weather.steered) { planSteering() }
        if left > count { agenda.add(.calls(left - count), at: now + draw(weather.gap)) }
        let (before, made) = (weather.calls - left, weather.calls - left + count)
        if before < weather.callsBeforeEnd, weather.callsBeforeEnd <= made { beginToEnd() }
    }

    mutating func makeCall(fromTool isNested: Bool = false) throws(Violation) {
        let deadline = happens(weather.withDeadline) ? now + draw(weather.deadline) : nil
        let traits = CallTraits(
            operation: "operation \(draw(0...2))",
            caller: UInt64(draw(weather.callers)),
            priority: CallPriority.allCases[draw(weather.priorities)],
            isIdempotent: happens(weather.idempotent),
            credit: happens(weather.streaming) ? draw(1...4) : 0,
            hasTools: happens(weather.withTools),
            isNested: isNested
        )
        var promise = Promise(traits: traits, content: draw(weather.contents), deadline: deadline)
        promise.credit = traits.credit
        let waiting = queue.count
        let (arrival, actions) = pool.callArrived(
            traits,
            deadline: deadline.map { origin + .milliseconds($0) },
            fingerprint: pool.wantsFingerprints ? UInt64(promise.content) : nil,
            at: instant
        )
        let accepted: CallID
        switch arrival {
        case .refused(let failure):
            ends.refused += 1
            return try checkRefusal(failure, promise)
        case .queued(let id):
            accepted = id
            try keep(promise, as: id)
            queue.append(id)
        case .send(let id, let worker):
            accepted = id
            try require(
                pool.calls.lines.isEmpty || traits.isNested,
                "\(id) overtook \(waiting) waiting calls"
            )
            try keep(promise, as: id)
            try send(id, to: worker)
        }
        try perform(actions)
        if happens(weather.cancelled) {
            agenda.add(.cancelled(accepted), at: now + draw(0...(2 * weather.latency.upperBound)))
        }
    }

    private mutating func keep(_ promise: Promise, as id: CallID) throws(Violation) {
        try require(promises[id] == nil, "\(id) was given away twice")
        try require(id.rawValue != 0, "a call is named 0")
        promises[id] = promise
        ends.accepted += 1
    }

    private mutating func beginToEnd() {
        switch weather.ending {
        case .drain: agenda.add(.drain, at: now + draw(0...500))
        case .stop: agenda.add(.stop, at: now + draw(0...500))
        case .drainThenStop:
            let time = now + draw(0...500)
            agenda.add(.drain, at: time)
            agenda.add(.stop, at: time + 1_000)
        }
    }
}
