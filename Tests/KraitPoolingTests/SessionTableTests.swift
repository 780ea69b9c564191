import Testing

@testable import KraitPooling

@Suite struct SessionTableTests {
    /// A table with the session `s` of `ann`.
    private func table(
        _ terms: SessionTerms = SessionTerms(),
        limits: SessionLimits = SessionLimits()
    ) throws -> SessionTable {
        var table = SessionTable(limits: limits)
        try table.begin("s", owner: "ann", pool: "p", terms: terms, at: at(0))
        return table
    }

    /// A call that is answered; whether it was to bring the state.
    private func call(_ table: inout SessionTable, at time: Int = 1) throws -> Bool {
        let (session, saves) = try table.callBegins("s", owner: "ann", at: at(time))
        let answers = session.answers + 1
        table.answered(session.key.number, answers: answers, isSaved: saves)
        table.callEnded(session.key, at: at(time))
        return saves
    }

    @Test func `a state is asked for with each answer, or with every so-many-th`() throws {
        var each = try table()
        #expect(try [call(&each), call(&each)] == [true, true])
        var third = try table(SessionTerms(checkpoints: .afterCalls(3)))
        let saves = try (0..<7).map { _ in try call(&third) }
        #expect(saves == [false, false, true, false, false, true, false])
        var never = try table(SessionTerms(checkpoints: .onDrain))
        #expect(try (0..<7).map { _ in try call(&never) }.contains(true) == false)
    }

    @Test func `a name has one session, and belongs to whoever began it`() throws {
        var table = try table()
        #expect(throws: SessionRefusal.exists) { try table.begin("s", at: at(1)) }
        #expect(throws: SessionRefusal.foreign) {
            try table.callBegins("s", owner: "bob", at: at(1))
        }
        #expect(throws: SessionRefusal.foreign) { try table.end("s", owner: "bob") }
        #expect(throws: SessionRefusal.unknown) { try table.callBegins("t", at: at(1)) }
        try table.begin("everybody's", at: at(1))
        let used = try table.callBegins("everybody's", owner: "bob", at: at(2))
        #expect(used.session.owner == "")
    }

    @Test func `whoever checks a session out has it to himself`() throws {
        var table = try table()
        let running = try table.callBegins("s", owner: "ann", at: at(1)).session
        #expect(throws: SessionRefusal.busy(calls: 1)) {
            try table.checkOut("s", owner: "ann", at: at(1))
        }
        table.callEnded(running.key, at: at(2))
        let mine = try table.checkOut("s", owner: "ann", at: at(3))
        #expect(table.checkedOut == 1)
        #expect(throws: SessionRefusal.taken) { try table.checkOut("s", owner: "ann", at: at(4)) }
        #expect(throws: SessionRefusal.taken) {
            try table.callBegins("s", owner: "ann", at: at(4))
        }
        #expect(throws: SessionRefusal.taken) { try table.end("s", owner: "ann") }
        _ = try table.callBegins("s", owner: "ann", checkOut: mine, at: at(5))
        try table.checkIn("s", mine)
        #expect(throws: SessionRefusal.notTaken) { try table.checkIn("s", mine) }
        #expect(throws: SessionRefusal.notTaken) {
            try table.callBegins("s", owner: "ann", checkOut: mine, at: at(6))
        }
    }

    @Test func `a session that nobody calls for its time is over, one with calls is not`() throws {
        var table = try table(SessionTerms(timeToLive: .milliseconds(100)))
        try table.begin("t", terms: SessionTerms(timeToLive: .milliseconds(500)), at: at(0))
        #expect(table.earliestExpiry == at(100))
        let running = try table.callBegins("s", owner: "ann", at: at(50)).session
        #expect(table.expire(at: at(400)).isEmpty)
        table.callEnded(running.key, at: at(450))
        #expect(table.expire(at: at(520)).map(\.key.name) == ["t"])
        #expect(table.earliestExpiry == at(550))
        #expect(table.expire(at: at(550)).map(\.key.name) == ["s"])
        #expect(table.count == 0 && table.earliestExpiry == nil)
    }

    @Test func `what is said of a session that is over changes nothing of the next`() throws {
        var table = try table()
        let old = try table.callBegins("s", owner: "ann", at: at(1)).session.key
        try table.end("s", owner: "ann")
        let next = try table.begin("s", owner: "ann", at: at(2))
        #expect(next != old)
        let before = table
        table.answered(old.number, answers: 1, isSaved: true)
        table.callEnded(old, at: at(3))
        table.drop(old)
        #expect(table == before)
    }

    @Test func `limits refuse and leave what is there`() throws {
        var table = try table(limits: SessionLimits(sessions: 3, sessionsPerOwner: 2))
        try table.begin("t", owner: "ann", at: at(0))
        #expect(throws: SessionRefusal.fullOfOwner(limit: 2)) {
            try table.begin("u", owner: "ann", at: at(0))
        }
        try table.begin("u", owner: "bob", at: at(0))
        #expect(throws: SessionRefusal.full(limit: 3)) {
            try table.begin("v", owner: "bob", at: at(0))
        }
        try table.end("t", owner: "ann")
        try table.begin("v", owner: "ann", at: at(0))
        #expect(Set(table.allNames) == ["s", "u", "v"])
    }
}
