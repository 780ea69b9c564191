@testable import KraitPooling

/// People who change the pool while it serves, and workers that grow.
extension PoolWorld {
    /// Something is done to the pool soon; what was drained is resumed some day.
    mutating func planSteering() {
        let time = now + draw(0...100)
        switch draw(0...9) {
        case 0...3: agenda.add(.steered(.resize(draw(1...8))), at: time)
        case 4...6: agenda.add(.steered(.recycle), at: time)
        case 7...8:
            agenda.add(.steered(.pause(atOnce: happens(300))), at: time)
            agenda.add(.steered(.resume), at: time + draw(0...500))
        default: agenda.add(.steered(.resume), at: time)
        }
    }

    mutating func steer(_ steering: Steering) throws(Violation) {
        ends.steered += 1
        let wasOver = pool.state == .closed || pool.state == .draining
        switch steering {
        case .resize(let count): try perform(pool.resized(to: count, at: instant))
        case .recycle: try perform(pool.recycleRequested())
        case .pause(let atOnce): try perform(pool.pauseRequested(atOnce: atOnce))
        case .resume: try perform(pool.resumeRequested(at: instant))
        }
        let isOver = pool.state == .closed || pool.state == .draining
        try require(wasOver == isOver, "\(steering) ended the pool, or brought it back")
    }

    /// A worker says how much memory it has: more with each call it answered.
    mutating func measure(_ id: WorkerID) throws(Violation) {
        guard let life = lives[id], !life.isTold, !life.isMute else { return }
        let bytes = life.baseline + life.answered * weather.leak
        try perform(pool.workerMeasured(id, residentBytes: bytes))
        agenda.add(.measured(id), at: now + 100)
    }

    /// A worker is about to be replaced, with a reason and while the pool is whole.
    mutating func recycle(_ id: WorkerID, _ reason: RecyclingReason) throws(Violation) {
        ends.recycled += 1
        guard let life = lives[id], life.isReady, !life.isTold else {
            throw Violation(description: "\(id) is to be replaced, but does not serve")
        }
        let ready = lives.filter { $0.key.number < pool.target && $0.value.isReady }
        let serving = ready.values.count { !$0.isTold }
        try require(
            serving == pool.target,
            "\(id) is given up while \(serving) of \(pool.target) workers serve"
        )
        let limits = weather.configuration.recycling
        switch reason {
        case .memory(_, let limit):
            try require(
                life.baseline < limit && life.answered > 0,
                "\(id) is given up for \(life.baseline) bytes it began with"
            )
        case .calls(let count):
            try require(count >= limits.maximumCalls ?? .max, "\(id) answered \(count) only")
        case .age(let age):
            let least = (limits.maximumAge ?? .zero) * 0.9
            try require(age >= least, "\(id) is \(age) old only")
        case .asked: break
        }
    }

    /// Workers that the pool has given up hold calls that it has forgotten.
    mutating func forgetCalls() {
        switch pool.state {
        case .failed, .paused, .closed:
            for id in lives.keys where lives[id]?.isTold == true { lives[id]?.isForgotten = true }
        case .starting, .ready, .pausing, .draining: break
        }
    }

    /// Only workers the pool is to have take calls or are on their way.
    func checkPopulation() throws(Violation) {
        for number in pool.workers.indices {
            switch pool.workers[number].phase {
            case .waiting, .starting, .ready:
                try require(
                    number < pool.target || !pool.state.hasWorkers,
                    "worker \(number) is \(pool.workers[number].phase), \(pool.target) are wanted"
                )
            case .retiring, .stopping, .gone: break
            }
            guard pool.workers[number].phase == .retiring else { continue }
            guard pool.workers[number].departure != nil else { continue }
            let due = pool.workers[number].retireBy ?? instant
            try require(time(due) >= timers.last ?? .max, "no timer ends worker \(number)")
        }
        let wanted = lives.keys.count { lives[$0]?.isTold == false && $0.number < pool.target }
        try require(wanted <= pool.target, "\(wanted) workers live, \(pool.target) are wanted")
        guard pool.state.name == "failed" else { return }
        let isTried = lives.values.contains { !$0.isTold }
        guard let next = pool.nextTry else {
            return try require(isTried, "nobody tries the failed pool again")
        }
        guard pool.workers.prefix(pool.target).contains(where: { $0.phase == .gone }) else {
            return
        }
        try require(time(next) >= timers.last ?? .max, "no timer tries the failed pool again")
    }
}
