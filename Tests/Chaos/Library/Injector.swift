import Glibc
import KraitTestSupport

/// Injects faults by a seed, one at a time in each lane, and measures how long each is felt.
package final class Injector {
    /// A fault under way.
    struct Injection {
        var kind: FaultKind
        var pool: String?
        var episode: Int
        let at: ContinuousClock.Instant
        /// What takes the fault away, where it does not end by itself.
        var undo: (() -> Void)?
        var undoAt: ContinuousClock.Instant?
        /// When it was taken away, or happened.
        var endedAt: ContinuousClock.Instant?
        /// Whether all is as before, but for the pools being whole, which is looked at as well.
        var isOver: () -> Bool
    }

    /// Faults that come one after the other.
    private struct Lane {
        var name: String
        var kinds: [FaultKind]
        var pool: String?
        var active: Injection?
        var nextAt: ContinuousClock.Instant
        /// The bounds of a pause, in milliseconds.
        var pause: ClosedRange<Int>
    }

    package private(set) var episodes: [Episode] = []
    /// How long each fault was felt, by its name and pool.
    package private(set) var recoveries: [String: [Duration]] = [:]
    /// What did not become whole again, in words.
    package private(set) var failures: [String] = []
    package var isOn = false
    /// Tells each fault on standard error.
    package var isTelling = false
    let lab: Lab
    let workload: Workload
    let status: StatusWatch
    let plans: [String: PoolPlan]
    let heartbeat: Duration
    let loop: Loop
    var random: SplitMix64
    /// When a poison was last answered, and whether a worker had it.
    var answeredPoison: [Poison: (at: ContinuousClock.Instant, wasTaken: Bool)] = [:]
    /// What Krait says of calls that it keeps from the workers.
    private static let refusals: Set<String> = [
        "circuit_open", "call_quarantined", "rate_limited", "queue_full",
    ]
    private var lanes: [Lane] = []
    private static let patience: Duration = .seconds(30)

    package init(
        lab: Lab,
        workload: Workload,
        status: StatusWatch,
        plans: [PoolPlan],
        heartbeat: Duration,
        kinds: [FaultKind],
        loop: Loop,
        seed: UInt64
    ) {
        self.lab = lab
        self.workload = workload
        self.status = status
        self.plans = Dictionary(uniqueKeysWithValues: plans.map { ($0.name, $0) })
        self.heartbeat = heartbeat
        self.loop = loop
        random = SplitMix64(seed: seed)
        let start = ContinuousClock.now
        for pool in ["forks", "execs", "faulty", "lm"] {
            let kinds = kinds.filter { $0.pools.contains(pool) && $0 != .noDescriptors }
            guard !kinds.isEmpty else { continue }
            lanes.append(Lane(name: pool, kinds: kinds, pool: pool, nextAt: start, pause: 50...600))
        }
        let wide = kinds.filter { $0.pools.isEmpty || $0 == .noDescriptors }
        if !wide.isEmpty {
            lanes.append(Lane(name: "daemon", kinds: wide, nextAt: start, pause: 500...2_000))
        }
        workload.isExplained = { [unowned self] call, outcome in
            let now = ContinuousClock.now
            return episodes.reversed().contains { $0.explains(call, outcome, at: now) }
        }
        workload.onAnswer = { [unowned self] call, outcome in
            guard let poison = call.poison else { return }
            if case .failed(let code, _, _) = outcome, Self.refusals.contains(code) {
                answeredPoison[poison] = (.now, false)
            } else {
                answeredPoison[poison] = (.now, true)
            }
        }
        loop.eachTurn { [unowned self] in turn() }
    }

    /// Whether no fault is under way.
    package var isAtRest: Bool { lanes.allSatisfy { $0.active == nil } }

    /// Whether every pool has all of its workers.
    package func isWhole(since moment: ContinuousClock.Instant) -> Bool {
        plans.values.allSatisfy { status.pool($0.name, since: moment)?.isWhole($0.workers) == true }
    }

    /// Whether no pool has a call.
    package func isIdle(since moment: ContinuousClock.Instant) -> Bool {
        plans.values.allSatisfy { status.pool($0.name, since: moment)?.isIdle == true }
    }

    /// Injects a fault, alone, and waits until it is over.
    ///
    /// - Returns: how long it was felt; nil where it cannot be injected or was never over.
    package func strike(_ kind: FaultKind, _ pool: String) -> Duration? {
        var found: Injection?
        let began = ContinuousClock.now
        loop.run {
            found = inject(kind, pool)
            return found == nil && ContinuousClock.now < began + Self.patience
        }
        guard let injection = found else { return nil }
        tell("\(kind) in \(pool)")
        var over: ContinuousClock.Instant?
        loop.run {
            if hasRecovered(injection, since: injection.at) { over = .now }
            return over == nil && ContinuousClock.now < injection.at + Self.patience
        }
        close(injection.episode)
        if over == nil {
            failures.append("\(kind) in \(pool): not whole in time: \(words(pool))")
        }
        return over.map { injection.at.duration(to: $0) }
    }

    /// Books a fault that begins now, outside the lanes; the caller sees to its end.
    package func book(_ kind: FaultKind, pool: String?, worker: Int? = nil) -> Int {
        episodes.append(Episode(kind: kind, pool: pool, worker: worker, from: .now))
        return episodes.count - 1
    }

    package func close(_ episode: Int) { episodes[episode].to = .now }

    private func turn() {
        let now = ContinuousClock.now
        for index in lanes.indices {
            if lanes[index].active != nil {
                follow(index, at: now)
            } else if isOn, lanes[index].nextAt <= now, status.view != nil {
                begin(index)
            }
        }
    }

    private func begin(_ index: Int) {
        guard let kind = lanes[index].kinds.randomElement(using: &random) else { return }
        guard let injection = inject(kind, lanes[index].pool) else {
            // Nobody to hit at this moment.
            lanes[index].nextAt = .now + .milliseconds(50)
            return
        }
        lanes[index].active = injection
        tell("\(kind) in \(lanes[index].name)")
    }

    private func tell(_ text: String) {
        guard isTelling else { return }
        complain(text)
    }

    private func follow(_ index: Int, at now: ContinuousClock.Instant) {
        guard var injection = lanes[index].active else { return }
        if let undoAt = injection.undoAt, undoAt <= now {
            injection.undo?()
            injection.undo = nil
            injection.undoAt = nil
            injection.endedAt = .now
            lanes[index].active = injection
        }
        guard let endedAt = injection.endedAt else { return }
        if hasRecovered(injection, since: endedAt) {
            let name = "\(injection.kind) \(injection.pool ?? "")"
            recoveries[name, default: []].append(max(.zero, endedAt.duration(to: now)))
            tell("\(injection.kind) over after \(milliseconds(endedAt.duration(to: now))) ms")
        } else if endedAt + Self.patience < now {
            failures.append(
                "\(injection.kind) in \(injection.pool ?? "the daemon"): not whole "
                    + "\(milliseconds(Self.patience) / 1_000) s later: \(words(injection.pool))"
            )
        } else {
            return
        }
        episodes[injection.episode].to = now
        let rest = Int.random(in: lanes[index].pause, using: &random)
        lanes[index].active = nil
        lanes[index].nextAt = now + .milliseconds(rest)
    }

    private func hasRecovered(
        _ injection: Injection,
        since moment: ContinuousClock.Instant
    ) -> Bool {
        guard injection.isOver() else { return false }
        // Of the daemon's own faults others' lanes keep pools from being whole.
        guard let pool = injection.pool, let plan = plans[pool] else { return true }
        return status.pool(pool, since: moment)?.isWhole(plan.workers) == true
    }

    private func words(_ pool: String?) -> String {
        guard let pool, let view = status.view?.pools[pool] else { return "no status" }
        return "\(view.state), workers \(view.workers.map(\.state).joined(separator: " "))"
    }

    /// Gives back what was taken, whatever is under way: for the end of a run.
    package func undoAll() {
        isOn = false
        for index in lanes.indices {
            lanes[index].active?.undo?()
            if let episode = lanes[index].active?.episode { episodes[episode].to = .now }
            lanes[index].active = nil
        }
    }
}
