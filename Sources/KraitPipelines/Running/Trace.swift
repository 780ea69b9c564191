import KraitRouting
import KraitWire

/// What happened in a run: each step with its time, its outcome and the ways of its calls.
///
/// Give one to a run to have it recorded; it can be read at any time, also after the run has
/// failed. Bounded: steps beyond the limit are counted and not kept.
public actor Trace {
    /// How many steps are kept.
    public nonisolated let limit: Int
    /// How many steps were not kept.
    public private(set) var omittedCount = 0
    nonisolated let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private var records: [StepRecord] = []
    /// The calls of steps that have not ended, by the step's place.
    private var calls: [ObjectIdentifier: [CallRecord]] = [:]
    /// How many calls of one step are kept.
    private static let callLimit = 100

    /// A trace that keeps so many steps; its times count from now.
    public init(limit: Int = 1_000) {
        self.limit = limit
        began = clock.now
    }

    /// The steps that have ended, in the order they began; a step stands before its parts.
    public var steps: [StepRecord] {
        records.sorted { ($0.began, $0.path.count) < ($1.began, $1.path.count) }
    }

    func record(_ call: CallRecord, at place: Place) {
        let step = ObjectIdentifier(place)
        guard calls[step, default: []].count < Self.callLimit else { return }
        calls[step, default: []].append(call)
    }

    func record(_ place: Place, since start: ContinuousClock.Instant, failure: CallError.Code?) {
        let calls = calls.removeValue(forKey: ObjectIdentifier(place)) ?? []
        guard records.count < limit else {
            omittedCount += 1
            return
        }
        records.append(
            StepRecord(
                path: place.path,
                began: began.duration(to: start),
                duration: start.duration(to: clock.now),
                failure: failure,
                calls: calls
            )
        )
    }
}

/// One step of a run that has ended.
public struct StepRecord: Sendable, Hashable {
    /// The steps down to this one, such as `["support", "3 ChainOfThought(Triage)"]`.
    public let path: [String]
    /// When it began, from the beginning of the trace.
    public let began: Duration
    /// How long it took, its parts and their waiting included.
    public let duration: Duration
    /// What it failed with, or nil where it succeeded.
    public let failure: CallError.Code?
    /// The calls that it made itself, at most a hundred; its parts' calls are with the parts.
    public let calls: [CallRecord]

    /// The step's own label, such as `3 ChainOfThought(Triage)`.
    public var label: String { path.last ?? "" }

    /// Where the step's last call ran; a step that calls nothing runs here.
    public var route: Route { calls.last?.route ?? .native }
}

/// One call of a step.
public struct CallRecord: Sendable, Hashable {
    /// The operation as the step named it.
    public let operation: String
    /// Which way it took and why; nil where it failed or its caller does not decide.
    public let decision: RouteDecision?
    /// Who answered, or nil where it failed.
    public let source: Reply.Source?
    /// Where it ran, as far as that is known.
    public let route: Route?
    /// How long it took, waiting included.
    public let duration: Duration
    /// What it failed with, or nil where it was answered.
    public let failure: CallError.Code?
    /// What its language model took, where the answer tells.
    public let usage: CallUsage?

    init(
        operation: String,
        decision: RouteDecision?,
        reply: Reply,
        duration: Duration
    ) {
        self.operation = operation
        self.decision = decision
        self.duration = duration
        source = reply.source
        usage = reply.value["usage"].flatMap { CallUsage($0) }
        failure = nil
        switch reply.source {
        case .native: route = .native
        case .pool(let name, _, _): route = .pool(name)
        }
    }

    init(operation: String, failure: CallError, duration: Duration) {
        self.operation = operation
        self.duration = duration
        self.failure = failure.code
        decision = nil
        source = nil
        usage = nil
        route = failure.pool.map(Route.pool)
    }
}
