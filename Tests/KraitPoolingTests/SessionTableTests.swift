import KraitWire
import Testing

@testable import KraitPooling

@Suite struct SessionTableTests {
    private let first = WorkerID(number: 0, incarnation: 1)
    private let second = WorkerID(number: 1, incarnation: 1)
    /// Of the first session of a table.
    private let key = SessionKey(name: "s", number: 1)
    private static let spec: Value = ["module": "ChainOfThought"]

    private func table(
        _ terms: SessionTerms = SessionTerms(),
        limits: SessionLimits = SessionLimits()
    ) throws -> SessionTable {
        var table = SessionTable(limits: limits)
        try table.begin("s", owner: "ann", spec: Self.spec, terms: terms, at: at(0))
        return table
    }

    private func place(
        _ table: SessionTable,
        free: Set<WorkerID> = [],
        _ checkOut: SessionTable.CheckOut? = nil
    ) throws(SessionRefusal) -> SessionTable.Placement {
        try table.placement(of: "s", owner: "ann", checkOut: checkOut) { free.contains($0) }
    }

    /// A call that a worker answers; what follows.
    private func call(
        _ table: inout SessionTable,
        on worker: WorkerID,
        at time: Int = 1
    ) -> [SessionAction] {
        table.placed(key, on: worker, at: at(time))
            + table.callEnded(key, by: worker, at: at(time))
    }

    private func checkpoint(_ version: Int, bytes: Int = 10) -> Checkpoint {
        Checkpoint(version: version, state: .int(Int64(version)), bytes: bytes)
    }

    @Test func `the first call makes a home, and the next ones go there`() throws {
        var table = try table()
        let anew = Rehydration(spec: Self.spec, checkpoint: nil)
        #expect(try place(table, free: [first, second]) == .anywhere(anew))
        let actions = table.placed(key, on: second, at: at(1))
        #expect(actions == [])
        #expect(table.home(of: key) == second)
        #expect(try place(table, free: [first, second]) == .home(second))
    }

    @Test func `a required home is waited for, a preferred one only with unsaved state`() throws {
        for affinity in [SessionTerms.Affinity.required, .preferred] {
            var table = try table(SessionTerms(affinity: affinity))
            let actions = call(&table, on: first)
            #expect(actions == [.checkpoint(key, at: first, version: 1)])
            #expect(try place(table, free: [second]) == .waits(for: first))
            let saved = try table.saved(key, checkpoint(1), by: first)
            #expect(saved == [])
            let moved = Rehydration(spec: Self.spec, checkpoint: checkpoint(1))
            let expected: SessionTable.Placement =
                affinity == .required ? .waits(for: first) : .anywhere(moved)
            #expect(try place(table, free: [second]) == expected)
        }
    }

    @Test func `a session that moves is forgotten where it was`() throws {
        var table = try table()
        _ = call(&table, on: first)
        _ = try table.saved(key, checkpoint(1), by: first)
        let moved = call(&table, on: second)
        #expect(
            moved == [.forget(key, at: first), .checkpoint(key, at: second, version: 2)]
        )
        // What the old home says later counts no more.
        let late = table.callEnded(key, by: first, at: at(9))
        #expect(late == [])
        _ = try table.saved(key, checkpoint(2), by: first)
        #expect(table.checkpoint(of: key)?.version == 1)
    }

    @Test func `a worker's death leaves what was saved, and says what was not`() throws {
        var table = try table(SessionTerms(checkpoints: .afterCalls(2)))
        var actions = call(&table, on: first) + call(&table, on: first)
        #expect(actions == [.checkpoint(key, at: first, version: 2)])
        _ = try table.saved(key, checkpoint(2), by: first)
        _ = call(&table, on: first)
        _ = table.placed(key, on: first, at: at(3))
        actions = table.workerEnded(first)
        // The call under way is the pool's to fail or to make again.
        #expect(actions == [.lost(key, calls: 1)])
        #expect(table.home(of: key) == nil)
        let expected = Rehydration(spec: Self.spec, checkpoint: checkpoint(2))
        #expect(try place(table, free: [second]) == .anywhere(expected))
        // Versions go on from the checkpoint.
        _ = call(&table, on: second)
        actions = call(&table, on: second)
        #expect(actions == [.checkpoint(key, at: second, version: 4)])
    }

    @Test func `a death with everything saved loses nothing`() throws {
        var table = try table()
        _ = call(&table, on: first)
        _ = try table.saved(key, checkpoint(1), by: first)
        let actions = table.workerEnded(first)
        #expect(actions == [])
        let other = table.workerEnded(second)
        #expect(other == [])
    }

    @Test func `the state is asked for when no call is at it`() throws {
        var table = try table()
        _ = table.placed(key, on: first, at: at(1))
        _ = table.placed(key, on: first, at: at(1))
        var actions = table.callEnded(key, by: first, at: at(2))
        #expect(actions == [])
        // A call that came to nothing has changed nothing, but it makes the gap.
        actions = table.callEnded(key, by: first, isComplete: false, at: at(3))
        #expect(actions == [.checkpoint(key, at: first, version: 1)])
    }

    @Test func `calls after the question do not keep the answer from counting`() throws {
        var table = try table()
        _ = call(&table, on: first)
        _ = table.placed(key, on: first, at: at(2))
        var actions = try table.saved(key, checkpoint(1), by: first)
        #expect(actions == [])
        #expect(table.checkpoint(of: key)?.version == 1)
        actions = table.callEnded(key, by: first, at: at(3))
        #expect(actions == [.checkpoint(key, at: first, version: 2)])
    }

    @Test func `calls without a gap are made to leave one`() throws {
        var table = try table()
        for _ in 0..<3 { _ = table.placed(key, on: first, at: at(1)) }
        _ = table.callEnded(key, by: first, at: at(2))
        #expect(try place(table, free: [first]) == .home(first))
        _ = table.callEnded(key, by: first, at: at(2))
        #expect(try place(table, free: [first]) == .waits(for: first))
        let actions = table.callEnded(key, by: first, at: at(2))
        #expect(actions == [.checkpoint(key, at: first, version: 3)])
        #expect(try place(table, free: [first]) == .home(first))
    }

    @Test func `a worker that leaves is kept until its sessions are saved`() throws {
        var table = try table(SessionTerms(checkpoints: .onDrain))
        for _ in 0..<5 {
            let actions = call(&table, on: first)
            #expect(actions == [])
        }
        #expect(!table.isNeeded(first))
        let actions = table.workerLeaves(first)
        #expect(actions == [.checkpoint(key, at: first, version: 5)])
        #expect(table.isNeeded(first))
        _ = try table.saved(key, checkpoint(5), by: first)
        #expect(!table.isNeeded(first))
        let ended = table.workerEnded(first)
        #expect(ended == [])
    }

    @Test func `a state that cannot be saved does not keep a worker from leaving`() throws {
        var table = try table(SessionTerms(checkpoints: .onDrain))
        _ = call(&table, on: first)
        _ = table.workerLeaves(first)
        table.savingFailed(key, by: first)
        #expect(!table.isNeeded(first))
        let actions = table.workerEnded(first)
        #expect(actions == [.lost(key, calls: 1)])
    }

    @Test func `a session checked out is its holder's alone`() throws {
        var table = try table()
        let mine = try table.checkOut("s", owner: "ann", at: at(1))
        #expect(throws: SessionRefusal.taken) { try place(table) }
        #expect(throws: SessionRefusal.taken) { try table.checkOut("s", owner: "ann", at: at(2)) }
        #expect(throws: SessionRefusal.taken) { try table.end("s", owner: "ann") }
        _ = try place(table, free: [first], mine)
        try table.checkIn("s", mine)
        #expect(throws: SessionRefusal.notTaken) { try table.checkIn("s", mine) }
        #expect(throws: SessionRefusal.notTaken) { try place(table, free: [], mine) }
        _ = table.placed(key, on: first, at: at(3))
        #expect(throws: SessionRefusal.busy(calls: 1)) {
            try table.checkOut("s", owner: "ann", at: at(4))
        }
    }

    @Test func `another owner's session and one that is not there are told apart`() throws {
        var table = try table()
        #expect(throws: SessionRefusal.foreign) {
            try table.placement(of: "s", owner: "bob") { _ in true }
        }
        #expect(throws: SessionRefusal.unknown) {
            try table.placement(of: "t", owner: "ann") { _ in true }
        }
        #expect(throws: SessionRefusal.foreign) { try table.end("s", owner: "bob") }
        #expect(throws: SessionRefusal.exists) { try table.begin("s", spec: .null, at: at(0)) }
    }

    @Test func `a session that nobody calls ends, one with calls does not`() throws {
        var table = try table(SessionTerms(timeToLive: .milliseconds(100)))
        _ = table.placed(key, on: first, at: at(50))
        var actions = table.expire(at: at(151))
        #expect(actions == [])
        _ = table.callEnded(key, by: first, at: at(200))
        #expect(table.earliestExpiry == at(300))
        actions = table.expire(at: at(299))
        #expect(actions == [])
        actions = table.expire(at: at(300))
        #expect(actions == [.forget(key, at: first), .ended(key)])
        #expect(table.count == 0)
        #expect(table.earliestExpiry == nil)
    }

    @Test func `what is said of a session that is over does not touch its namesake`() throws {
        var table = try table()
        _ = call(&table, on: first)
        _ = table.placed(key, on: first, at: at(2))
        _ = try table.end("s", owner: "ann")
        let next = try table.begin("s", owner: "ann", spec: .null, at: at(3))
        #expect(next != key)
        _ = table.placed(next, on: first, at: at(4))
        let before = table
        let ended = table.callEnded(key, by: first, at: at(5))
        let saved = try table.saved(key, checkpoint(1), by: first)
        #expect(ended == [] && saved == [])
        #expect(table == before)
    }

    @Test func `limits refuse and leave what is there`() throws {
        let limits = SessionLimits(
            sessions: 3,
            sessionsPerOwner: 2,
            checkpointBytes: 100,
            totalBytes: 150
        )
        var table = try table(limits: limits)
        try table.begin("t", owner: "ann", spec: .null, at: at(0))
        #expect(throws: SessionRefusal.fullOfOwner(limit: 2)) {
            try table.begin("u", owner: "ann", spec: .null, at: at(0))
        }
        try table.begin("u", owner: "bob", spec: .null, at: at(0))
        #expect(throws: SessionRefusal.full(limit: 3)) {
            try table.begin("v", owner: "bob", spec: .null, at: at(0))
        }
        _ = call(&table, on: first)
        _ = try table.saved(key, checkpoint(1, bytes: 100), by: first)
        _ = call(&table, on: first)
        #expect(throws: SessionRefusal.tooLarge(bytes: 101, limit: 100)) {
            try table.saved(key, checkpoint(2, bytes: 101), by: first)
        }
        #expect(table.checkpoint(of: key)?.version == 1)
        #expect(table.bytes == 100)
        _ = try table.end("u", owner: "bob")
        #expect(throws: SessionRefusal.tooLarge(bytes: 60, limit: 150)) {
            try table.begin("w", spec: .null, checkpoint: checkpoint(1, bytes: 60), at: at(0))
        }
        let actions = try table.end("s", owner: "ann")
        #expect(actions == [.forget(key, at: first), .ended(key)])
        #expect(table.bytes == 0)
    }

    @Test func `a session of before goes on from its checkpoint`() throws {
        var table = SessionTable()
        try table.begin(
            "s",
            owner: "ann",
            spec: Self.spec,
            checkpoint: checkpoint(7),
            at: at(0)
        )
        let expected = Rehydration(spec: Self.spec, checkpoint: checkpoint(7))
        #expect(try place(table, free: [first]) == .anywhere(expected))
        let actions = call(&table, on: first)
        #expect(actions == [.checkpoint(key, at: first, version: 8)])
    }
}
