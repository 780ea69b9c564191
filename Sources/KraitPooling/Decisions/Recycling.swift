/// When a worker is replaced although nothing is wrong with it.
package struct RecyclingPolicy: Sendable, Equatable {
    /// How long a worker serves at most; nil for ever.
    package var maximumAge: Duration?
    /// How many calls a worker answers at most; nil for any number.
    package var maximumCalls: Int?
    /// From how much memory of its own on a worker is replaced; nil for never.
    package var maximumResidentBytes: Int?
    /// By which share of the age, at most, some workers are replaced earlier than others, so that
    /// those that started together do not end together.
    package var ageSpread: Double
    /// How long a worker that is to leave may take to finish the calls it has.
    package var patience: Duration

    package init(
        maximumAge: Duration? = nil,
        maximumCalls: Int? = nil,
        maximumResidentBytes: Int? = nil,
        ageSpread: Double = 0.1,
        patience: Duration = .seconds(120)
    ) {
        self.maximumAge = maximumAge
        self.maximumCalls = maximumCalls
        self.maximumResidentBytes = maximumResidentBytes
        self.ageSpread = ageSpread
        self.patience = patience
    }

    /// The age at which a worker of that number is due.
    ///
    /// Shares that follow the golden ratio are far apart for any number of workers, and need no
    /// random number.
    func ageLimit(of number: Int) -> Duration? {
        guard let maximumAge else { return nil }
        let share = (Double(number) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1)
        return maximumAge * (1 - ageSpread * share)
    }
}

/// Why a worker is replaced although nothing is wrong with it.
package enum RecyclingReason: Equatable, Sendable, CustomStringConvertible {
    case age(Duration)
    case calls(Int)
    case memory(Int, limit: Int)
    /// Somebody asked for it.
    case asked

    package var description: String {
        switch self {
        case .age(let age): "it had served for \(Int(age / .seconds(1))) s"
        case .calls(let count): "it had answered \(count) calls"
        case .memory(let bytes, let limit):
            "it held \(bytes.megabytes) of its own, the limit is \(limit.megabytes)"
        case .asked: "somebody asked for it"
        }
    }
}

extension Int {
    /// As an amount of memory in units of 1,024, such as `83.3 MB`.
    var megabytes: String {
        let tenths = (self / 1_024 * 10 + 512) / 1_024
        return "\(tenths / 10).\(tenths % 10) MB"
    }
}

/// Workers that are due are replaced one at a time, and only while the pool is whole: where starts
/// fail, a worker that still serves is not given up for one that may not come.
extension PoolStateMachine {
    /// A worker has said how much memory of its own it has.
    ///
    /// One that began above the limit is never replaced for it, since the next would be no smaller;
    /// nor is one that has not answered a call yet.
    package mutating func workerMeasured(
        _ id: WorkerID,
        residentBytes: Int
    ) -> [PoolAction] {
        guard let limit = configuration.recycling.maximumResidentBytes, isCurrent(id),
            workers[id.number].isReady, workers[id.number].due == nil, residentBytes >= limit,
            workers[id.number].served > 0, (workers[id.number].baseline ?? 0) < limit
        else { return [] }
        workers[id.number].due = .memory(residentBytes, limit: limit)
        return beginRecycling()
    }

    /// A worker has answered one call more.
    mutating func countServed(_ number: Int) {
        served += 1
        workers[number].served += 1
        guard let limit = configuration.recycling.maximumCalls, workers[number].due == nil,
            workers[number].served >= limit
        else { return }
        workers[number].due = .calls(workers[number].served)
    }

    /// Replaces every worker that lives, one after the other.
    package mutating func recycleRequested() -> [PoolAction] {
        guard state == .ready || state == .starting else { return [] }
        rollFailure = nil
        for number in ownPlaces.prefix(target) {
            switch workers[number].phase {
            case .starting, .ready: workers[number].due = .asked
            case .waiting, .retiring, .stopping, .gone: break
            }
        }
        return beginRecycling()
    }

    /// Lets the first worker that is due finish its calls and leave, if the pool can spare it.
    mutating func beginRecycling() -> [PoolAction] {
        guard state == .ready, isWhole else { return [] }
        for number in ownPlaces.prefix(target) {
            // One that is kept free for a suspect is spared until that is done.
            guard let reason = workers[number].due, !workers[number].isReserved else { continue }
            return [.recycling(workerID(number), reason)] + retire(number, .recycled(reason))
        }
        return []
    }

    /// Finds the workers that have served for long enough, and when to look again.
    mutating func markAged(at now: Instant) {
        for number in ownPlaces.prefix(target) {
            guard workers[number].isReady, workers[number].due == nil,
                let limit = configuration.recycling.ageLimit(of: number)
            else { continue }
            let due = workers[number].since + limit
            if due <= now {
                workers[number].due = .age(workers[number].since.duration(to: now))
            } else {
                check(at: due)
            }
        }
    }

    /// Begins to watch a worker that has just become ready.
    mutating func watchLimits(of number: Int) -> [PoolAction] {
        if let limit = configuration.recycling.ageLimit(of: number) {
            check(at: workers[number].since + limit)
        }
        guard let limit = configuration.recycling.maximumResidentBytes,
            let baseline = workers[number].baseline, baseline >= limit, !hasWarnedOfLimit
        else { return [] }
        hasWarnedOfLimit = true
        return [.limitTooLow(limit, baseline: baseline)]
    }

    /// A worker that took the place of one somebody wanted replaced has failed to start: the others
    /// are kept.
    mutating func endRoll(_ reason: String) {
        rollFailure = reason
        for number in workers.indices where workers[number].due == .asked {
            workers[number].due = nil
        }
    }

    /// Whether every worker the pool is to have is ready.
    var isWhole: Bool {
        own.count >= target && own.prefix(target).allSatisfy(\.isReady)
    }
}
