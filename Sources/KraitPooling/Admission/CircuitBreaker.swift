/// When a pool stops sending calls of an operation, and when it tries again.
package struct BreakerPolicy: Sendable, Equatable {
    /// The time over which outcomes are counted.
    package var window: Duration
    /// Below so many calls in the window nothing is concluded.
    package var minimumCalls: Int
    /// The share of failures at which it opens; above 1 it never does.
    package var failureRate: Double
    /// A call that takes longer is slow; nil for none.
    package var slowCall: Duration?
    /// The share of slow calls at which it opens.
    package var slowRate: Double
    /// A call whose deadline passed counts as a failure if it had run for so long.
    package var patience: Duration
    /// How long it stays open the first time; twice as long after each trial that fails.
    package var openFor: Duration
    package var maximumOpen: Duration
    /// How many calls a trial lets through at once, and how many must succeed to close.
    package var probes: Int

    package init(
        window: Duration = .seconds(30),
        minimumCalls: Int = 10,
        failureRate: Double = 0.5,
        slowCall: Duration? = nil,
        slowRate: Double = 0.8,
        patience: Duration = .seconds(1),
        openFor: Duration = .seconds(5),
        maximumOpen: Duration = .seconds(60),
        probes: Int = 3
    ) {
        self.window = window
        self.minimumCalls = minimumCalls
        self.failureRate = failureRate
        self.slowCall = slowCall
        self.slowRate = slowRate
        self.patience = patience
        self.openFor = openFor
        self.maximumOpen = maximumOpen
        self.probes = probes
    }
}

/// Stops the calls of one operation that keep failing, so that callers hear it at once, and tries
/// again after a while.
///
/// An outcome counts only in the state that admitted its call: what was admitted before the breaker
/// opened says nothing about whether the operation works again.
struct CircuitBreaker: Equatable {
    typealias Instant = Moment

    enum State: Equatable, Sendable {
        /// Calls pass and are counted. Becomes open.
        case closed
        /// Calls are refused. Becomes half-open with the first call after `until`.
        case open(until: Instant)
        /// A few calls pass as a trial. Becomes closed or open.
        case halfOpen(running: Int, succeeded: Int)
    }

    /// How a call went, as far as the operation's health is concerned.
    enum Outcome: Equatable, Sendable {
        case success
        case failure
        /// It says nothing: cancelled, or refused before it ran.
        case none
    }

    /// Names the state that admitted a call.
    typealias Permit = Int

    private let policy: BreakerPolicy
    private(set) var state = State.closed
    private var window: OutcomeWindow
    /// Counts the changes of state.
    private(set) var epoch: Permit = 0
    /// How often it opened since it was last closed.
    private var openings = 0

    init(_ policy: BreakerPolicy) {
        self.policy = policy
        window = OutcomeWindow(length: policy.window)
    }

    enum Admission: Equatable {
        case admitted(Permit)
        case refused(until: Instant)
    }

    /// A call wants to pass.
    mutating func admit(at now: Instant) -> Admission {
        switch state {
        case .closed: return .admitted(epoch)
        case .open(let until) where now < until: return .refused(until: until)
        case .open:
            change(to: .halfOpen(running: 1, succeeded: 0))
            return .admitted(epoch)
        case .halfOpen(let running, let succeeded):
            guard running + succeeded < policy.probes else {
                // The trial's end will tell; its length is not known.
                return .refused(until: now)
            }
            state = .halfOpen(running: running + 1, succeeded: succeeded)
            return .admitted(epoch)
        }
    }

    /// An admitted call has ended; whether the breaker's state is another now.
    mutating func ended(
        _ permit: Permit,
        _ outcome: Outcome,
        after duration: Duration,
        at now: Instant
    ) -> Bool {
        guard permit == epoch else { return false }
        switch state {
        case .open: return false
        case .closed: return count(outcome, after: duration, at: now)
        case .halfOpen(let running, let succeeded):
            switch outcome {
            case .none: state = .halfOpen(running: running - 1, succeeded: succeeded)
            case .failure: return open(at: now)
            case .success where isSlow(duration): return open(at: now)
            case .success where succeeded + 1 >= policy.probes:
                openings = 0
                window = OutcomeWindow(length: policy.window)
                change(to: .closed)
                return true
            case .success: state = .halfOpen(running: running - 1, succeeded: succeeded + 1)
            }
            return false
        }
    }

    private mutating func count(
        _ outcome: Outcome,
        after duration: Duration,
        at now: Instant
    ) -> Bool {
        guard outcome != .none else { return false }
        let counts = OutcomeWindow.Counts(
            calls: 1,
            failures: outcome == .failure ? 1 : 0,
            slow: isSlow(duration) ? 1 : 0
        )
        window.add(counts, at: now)
        let total = window.total
        guard counts.failures + counts.slow > 0, total.calls >= policy.minimumCalls else {
            return false
        }
        let calls = Double(total.calls)
        guard
            Double(total.failures) >= policy.failureRate * calls
                || (policy.slowCall != nil && Double(total.slow) >= policy.slowRate * calls)
        else { return false }
        return open(at: now)
    }

    private func isSlow(_ duration: Duration) -> Bool {
        policy.slowCall.map { duration > $0 } ?? false
    }

    private mutating func open(at now: Instant) -> Bool {
        let wait = min(policy.openFor * (1 << min(openings, 16)), policy.maximumOpen)
        openings += 1
        change(to: .open(until: now + wait))
        return true
    }

    private mutating func change(to next: State) {
        state = next
        epoch += 1
    }
}

extension CircuitBreaker.State {
    /// The word for people and for `krait status --json`.
    func name(at now: Moment) -> String {
        switch self {
        case .closed: "closed"
        case .open(let until): now < until ? "open" : "half_open"
        case .halfOpen: "half_open"
        }
    }
}

/// The breakers of a pool, one for each operation.
struct Breakers: Equatable {
    /// Operations beyond this many share one breaker; an adapter offers fewer.
    static let maximumCount = 1_024

    private let policy: BreakerPolicy
    private var places: [String: Int] = [:]
    private(set) var names: [String] = []
    private var all: [CircuitBreaker] = []
    /// The operation that was last asked for: mostly it is the next one, too.
    private var last: (name: String, place: Int) = ("", -1)

    init(_ policy: BreakerPolicy) { self.policy = policy }

    static func == (left: Breakers, right: Breakers) -> Bool {
        left.names == right.names && left.all == right.all
    }

    subscript(place: Int) -> CircuitBreaker { all[place] }

    mutating func admit(
        _ place: Int,
        at now: Moment
    ) -> CircuitBreaker.Admission { all[place].admit(at: now) }

    /// An admitted call of the operation has ended; the breaker's state where it is another now.
    mutating func ended(
        _ place: Int,
        _ permit: CircuitBreaker.Permit,
        _ outcome: CircuitBreaker.Outcome,
        after duration: Duration,
        at now: Moment
    ) -> CircuitBreaker.State? {
        all[place].ended(permit, outcome, after: duration, at: now) ? all[place].state : nil
    }

    /// The place of an operation's breaker.
    mutating func place(of operation: String) -> Int {
        if last.place >= 0, last.name == operation { return last.place }
        let place: Int
        if let known = places[operation] {
            place = known
        } else if all.count < Self.maximumCount {
            place = all.count
            places[operation] = place
            names.append(operation)
            all.append(CircuitBreaker(policy))
        } else {
            place = Self.maximumCount - 1
        }
        last = (operation, place)
        return place
    }

    /// The breakers that do not simply let everything pass, by their operations.
    func notClosed(at now: Moment) -> [(operation: String, state: String)] {
        zip(names, all).compactMap { name, breaker in
            breaker.state == .closed ? nil : (name, breaker.state.name(at: now))
        }
    }
}
