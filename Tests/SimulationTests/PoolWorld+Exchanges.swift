@testable import KraitPooling

/// Streams, tools, and calls from within tools.
extension PoolWorld {
    /// How many slots of a worker are lent: one for each call that awaits a tool.
    func lent(by life: Life) -> Int {
        life.running.count { promises[$0]?.isOver == false && promises[$0]?.openToolCalls != 0 }
    }

    /// What a worker will send before a call's end.
    mutating func planExchange(of id: CallID, _ promise: Promise, by worker: WorkerID) {
        let latest = max(1, weather.latency.upperBound)
        if promise.traits.credit > 0 {
            for _ in 0..<draw(0...6) {
                agenda.add(.chunk(id, by: worker), at: now + draw(0...latest))
            }
        }
        if promise.traits.hasTools {
            for _ in 0..<draw(0...3) {
                agenda.add(.tool(id, by: worker), at: now + draw(0...latest))
            }
        }
    }

    /// A chunk comes, mostly as it should.
    mutating func sendChunk(_ id: CallID, by worker: WorkerID) throws(Violation) {
        guard let promise = speaking(id, worker) else { return }
        let isLawless = happens(weather.lawless)
        guard promise.credit > 0 || isLawless else { return }
        let number = isLawless && promise.credit > 0 ? promise.chunks + 1 : promise.chunks
        let bytes = draw(0...3) * 10_000
        if isLawless, !promise.isOver { isBreaking = id }
        let passed = pool.chunkCame(id, by: worker, number: number, bytes: bytes, at: instant)
        try requirePassed(passed, id, promise, isLawless: isLawless)
        if passed.isAwaited {
            ends.chunks += 1
            promises[id]?.chunks += 1
            promises[id]?.credit -= CallExchange.cost(ofBytes: bytes)
        }
        try perform(passed.actions)
        isBreaking = nil
        if passed.isAwaited, happens(500) { try perform(pool.gave(draw(1...4), to: id)) }
    }

    /// A worker hears that it may send more.
    mutating func give(
        _ more: UInt32,
        to id: CallID,
        at worker: WorkerID
    ) throws(Violation) {
        try require(
            promises[id]?.holder == worker && promises[id]?.isOver == false,
            "\(worker) was given credit for \(id), which it has not"
        )
        promises[id]?.credit += Int(more)
    }

    /// A tool is called, and calls the pool itself; one day it answers.
    mutating func callTool(_ id: CallID, by worker: WorkerID) throws(Violation) {
        guard let promise = speaking(id, worker) else { return }
        let isLawless = happens(weather.lawless)
        let number = promise.toolCalls + (isLawless ? 1 : 0)
        if isLawless, !promise.isOver { isBreaking = id }
        if !isLawless, !promise.isOver {
            // The pool may send a call to the slot that is lent by this, at once.
            promises[id]?.toolCalls += 1
            promises[id]?.openToolCalls += 1
        }
        let passed = pool.toolWasCalled(id, by: worker, number: number, at: instant)
        try requirePassed(passed, id, promise, isLawless: isLawless)
        try perform(passed.actions)
        isBreaking = nil
        guard passed.isAwaited else { return }
        ends.toolCalls += 1
        if happens(weather.nesting) { try makeCall(fromTool: true) }
        agenda.add(.toolAnswered(id), at: now + draw(0...(2 * weather.latency.upperBound)))
    }

    mutating func answerTool(_ id: CallID) throws(Violation) {
        guard let promise = promises[id] else { return }
        let worker = pool.toolAnswered(id)
        guard !promise.isOver, promise.openToolCalls > 0, let holder = promise.holder,
            lives[holder]?.running.contains(id) == true
        else { return try require(worker == nil, "a tool answered \(id), which is over") }
        try require(worker == holder, "a tool's answer to \(id) does not go to \(holder)")
        promises[id]?.openToolCalls -= 1
    }

    /// The call, where its worker can still say something about it.
    private func speaking(_ id: CallID, _ worker: WorkerID) -> Promise? {
        guard let life = lives[worker], !life.isMute, !life.isTold, !life.isForgotten,
            life.running.contains(id)
        else { return nil }
        return promises[id]
    }

    private func requirePassed(
        _ passed: PoolStateMachine.Passed,
        _ id: CallID,
        _ promise: Promise,
        isLawless: Bool
    ) throws(Violation) {
        try require(
            passed.isAwaited == (!promise.isOver && !isLawless),
            "what came for \(id) was \(passed.isAwaited ? "" : "not ")passed on"
        )
        if isLawless, !promise.isOver {
            try require(!passed.actions.isEmpty, "nothing followed from a violation in \(id)")
        }
    }
}
