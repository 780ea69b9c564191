import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// Sessions of real workers with real DSPy, and what is left of them when those die.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SessionTests {
    private static let answer = "question, past: dspy.History -> reply"
    private static let question: ValueMap = ["question": "What do snakes smell with?"]

    /// Runs `body` beside an offline LM, a pool, and the session `s`.
    private func inSession(
        _ policy: SessionPolicy = SessionPolicy(),
        workers: Int = 1,
        latency: Int = 0,
        _ body: @escaping @Sendable (Orchestrator, Session) async throws -> Void
    ) async throws {
        try await OfflineLM.running("--latency-ms", "\(latency)") { lm in
            let pool = TestPools.dspy(lm.adapter, workers: workers)
            try await TestPools.running(pool) { krait in
                let session = try await krait.beginSession(
                    "s",
                    programs: ["answer": .chainOfThought(Self.answer)],
                    keeping: policy
                )
                try await body(krait, session)
            }
        }
    }

    /// Runs the program once; how many calls are in the session's state then.
    private func run(_ krait: Orchestrator, _ session: String = "s") async throws(CallError) -> Int?
    {
        let arguments: ValueMap = ["program": "answer", "inputs": .map(Self.question)]
        let options = CallOptions(session: session)
        return try await krait.call(Call("session_run", arguments, options: options))
            .value["version"]?.int
    }

    private static let call = Call(
        "session_run",
        ["program": "answer", "inputs": .map(question)],
        options: CallOptions(session: "s")
    )

    private func processes(_ krait: Orchestrator) async -> [pid_t] {
        await krait.status().pools[0].workers.compactMap(\.processID)
    }

    /// Kills the workers, and waits until the pool knows, which then says of no session where it
    /// is: a call that is sent before fails, since nobody knows whether it was begun.
    private func kill(_ krait: Orchestrator) async {
        let victims = Set(await processes(krait))
        for process in victims { Glibc.kill(process, SIGKILL) }
        #expect(await eventually { await krait.sessions().allSatisfy { $0.worker == nil } })
        #expect(await eventually { await victims.isDisjoint(with: processes(krait)) })
    }

    // MARK: The end of workers

    @Test func `the next call goes on from the last one, whatever has killed the worker`()
        async throws
    {
        try await inSession(latency: 300) { krait, session in
            #expect(try await run(krait) == 1)
            let first = try await session.checkpoint()
            #expect(first.version == 1 && first.missing == [] && first.dspy?.isEmpty == false)
            await kill(krait)
            // Between two calls.
            #expect(try await run(krait) == 2)
            async let lost = failure { () throws(CallError) in
                try await krait.call(Self.call)
            }
            #expect(await eventually { await krait.sessions().first?.running == 1 })
            #expect(await eventually { await krait.status().pools[0].workers[0].busy == 1 })
            await kill(krait)
            #expect(await lost?.code == .workerCrashed)
            #expect(try await run(krait) == 3)
            let options = CallOptions(session: "s")
            let saved = try await krait.call(Call("session_checkpoint", options: options)).value
            #expect(saved["history"]?.list?.count == 3)
            #expect(saved["saved"] == nil)
        }
    }

    @Test func `what a policy leaves unsaved is saved before its worker leaves`() async throws {
        try await inSession(SessionPolicy(checkpoints: .onDrain)) { krait, session in
            for count in 1...3 { #expect(try await run(krait) == count) }
            #expect(try await session.status().sinceSaved == nil)
            let before = await processes(krait)
            try await krait.recycle(pool: "dspy")
            #expect(try await run(krait) == 4)
            try await krait.drain(pool: "dspy")
            try await krait.resume(pool: "dspy")
            #expect(try await run(krait) == 5)
            #expect(await processes(krait) != before)
            // Only what comes after is lost by a crash, and that is said.
            await kill(krait)
            #expect(try await run(krait) == 5)
            let events = await krait.status().pools[0].events.map(\.name)
            #expect(events.contains("session.lost"))
        }
    }

    @Test func `sessions outlive the workers that a smaller pool ends`() async throws {
        try await inSession(workers: 2) { krait, _ in
            for number in 0..<8 {
                let programs: [String: SessionProgram] = ["answer": .predict(Self.answer)]
                _ = try await krait.beginSession("t\(number)", programs: programs)
                #expect(try await run(krait, "t\(number)") == 1)
            }
            let homes = Set(await krait.sessions().compactMap(\.worker))
            #expect(homes.count == 2, "they are spread")
            try await krait.resize(pool: "dspy", to: 1)
            for number in 0..<8 { #expect(try await run(krait, "t\(number)") == 2) }
        }
    }

    @Test func `more sessions than a worker holds take turns there`() async throws {
        try await inSession { krait, _ in
            let programs: [String: SessionProgram] = ["answer": .predict("question -> reply")]
            for number in 0..<1_030 {
                _ = try await krait.beginSession("n\(number)", programs: programs)
            }
            #expect(await krait.sessions().count == 1_031)
            #expect(try await run(krait, "n0") == 1)
            #expect(try await run(krait) == 1)
            #expect(await krait.status().sessions.count == 1_031)
        }
    }

    @Test func `a prediction in a warm session is one round trip`() async throws {
        try await inSession { krait, session in
            _ = try await session.run("answer", Self.question)
            let before = await krait.status().pools[0].served
            for _ in 0..<10 { _ = try await session.run("answer", Self.question) }
            #expect(await krait.status().pools[0].served == before + 10)
            await kill(krait)
            _ = try await session.run("answer", Self.question)
            #expect(await krait.status().pools[0].served == before + 11)
        }
    }

    @Test func `sessions at once do not see each other`() async throws {
        try await inSession { krait, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let session = try await krait.beginSession(
                            "o\(number)",
                            programs: ["answer": .chainOfThought(Self.answer)]
                        )
                        let question: ValueMap = ["question": .string("Who is \(number)?")]
                        for _ in 0...number % 3 { _ = try await session.run("answer", question) }
                        let options = CallOptions(session: session.id)
                        let call = Call("session_checkpoint", options: options)
                        let saved = try await krait.call(call).value
                        #expect(saved["version"]?.int == number % 3 + 1)
                        let asked = saved["history"]?.list?.compactMap { $0["inputs"]?.map }
                        #expect(asked?.allSatisfy { $0 == question } == true)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    // MARK: Typed, streamed, loaded

    private struct Sort: Signature {
        struct Input: Codable, Sendable { var text: String }
        struct Output: Codable, Sendable { var kind: String }
    }

    @Test func `a session's programs are typed, streamed, and given what was learnt`() async throws
    {
        try await inSession { krait, _ in
            let session = try await krait.beginSession(
                "typed",
                programs: ["sort": try .predict(Sort.self)],
                caller: "ann"
            )
            #expect(
                try await !session.run("sort", Sort.self, .init(text: "It broke.")).kind.isEmpty
            )
            let demo: Value = ["text": "It broke.", "kind": "complaint"]
            try await session.load("sort", state: ["demos": [demo]])
            let stream = session.stream("sort", ["text": "Hello."])
            #expect(try await stream.finished()["kind"]?.string?.isEmpty == false)
            #expect(try await session.checkpoint().version == 3)
            await kill(krait)
            let options = CallOptions(caller: "ann", session: "typed")
            let saved = try await krait.call(Call("session_checkpoint", options: options)).value
            #expect(saved["programs"]?["sort"]?["demos"] == [demo])
            let error = await #expect(throws: CallError.self) {
                try await session.load("sort", state: ["demos": [demo], "nonsense": 1])
            }
            #expect(error?.fault?.message.contains("nonsense") == true)
            try await session.end()
            #expect(await krait.sessions().map(\.id) == ["s"])
        }
    }

    // MARK: Who may use them

    @Test func `others' sessions, and those that are not there, are refused by name`() async throws
    {
        try await inSession { krait, session in
            let programs: [String: SessionProgram] = ["answer": .predict("question -> reply")]
            _ = try await krait.beginSession("ann-7", programs: programs, caller: "ann")
            let foreign = await #expect(throws: CallError.self) {
                try await krait.session("ann-7", caller: "bob").run("answer", Self.question)
            }
            #expect(foreign?.code == .sessionTaken)
            let again = await #expect(throws: CallError.self) {
                try await krait.beginSession("ann-7", programs: programs)
            }
            #expect(again?.code == .sessionTaken)
            let unknown = await #expect(throws: CallError.self) { try await run(krait, "ann-8") }
            #expect(unknown?.code == .unknownSession)
            #expect(unknown?.message.contains("did you mean `ann-7`?") == true)
            let wrong = await #expect(throws: CallError.self) {
                try await krait.beginSession("w", programs: ["a": SessionProgram(["module": "X"])])
            }
            #expect(wrong?.code == .invalidInput)
            #expect(await krait.sessions().map(\.id) == ["ann-7", "s"])
            try await session.checkOut { mine in
                let error = await #expect(throws: CallError.self) {
                    try await session.run("answer", Self.question)
                }
                #expect(error?.code == .sessionTaken)
                await #expect(throws: CallError.self) { try await session.checkOut { _ in } }
                _ = try await mine.run("answer", Self.question)
                #expect(await krait.status().sessions.checkedOut == 1)
            }
            _ = try await session.run("answer", Self.question)
        }
    }

    @Test func `a session that nobody calls for its time is over`() async throws {
        try await inSession(SessionPolicy(timeToLive: .milliseconds(300))) { krait, session in
            #expect(await eventually(within: .seconds(20)) { await krait.sessions().isEmpty })
            let error = await #expect(throws: CallError.self) {
                try await session.run("answer", Self.question)
            }
            #expect(error?.code == .unknownSession)
            #expect(await eventually { await krait.status().sessions.count == 0 })
        }
    }

    // MARK: The file

    private func run(
        in folder: String,
        _ adapter: Adapter,
        bytes: Int? = nil,
        _ body: @escaping @Sendable (Orchestrator) async throws -> Void
    ) async throws {
        let settings = OrchestratorSettings(
            sessions: SessionSettings(folder: folder, bytes: bytes),
            environment: Mark().environment
        )
        let orchestrator = Orchestrator(name: "tests", settings: settings) {
            TestPools.dspy(adapter)
        }
        try await orchestrator.running(body)
    }

    @Test func `sessions go on in the next run, with their owners`() async throws {
        try await OfflineLM.running { lm in
            try await withTemporaryDirectory { folder in
                let state = "\(folder)/a/b"
                try await run(in: state, lm.adapter) { krait in
                    let programs: [String: SessionProgram] = [
                        "answer": .chainOfThought(Self.answer)
                    ]
                    _ = try await krait.beginSession("s", programs: programs)
                    _ = try await krait.beginSession("t", programs: programs, caller: "ann")
                    for count in 1...2 { #expect(try await self.run(krait) == count) }
                }
                try await run(in: state, lm.adapter) { krait in
                    #expect(await krait.sessions().map(\.id) == ["s", "t"])
                    #expect(await krait.sessions().map(\.version) == [2, 0])
                    #expect(try await self.run(krait) == 3)
                    await #expect(throws: CallError.self) { try await self.run(krait, "t") }
                    try await krait.session("t", caller: "ann").end()
                }
                try await run(in: state, lm.adapter) { krait in
                    #expect(await krait.sessions().map(\.version) == [3])
                }
            }
        }
    }

    @Test func `a file that is none refuses sessions, and nothing else`() async throws {
        try await OfflineLM.running { lm in
            try await withTemporaryDirectory { folder in
                let file = "\(folder)/sessions.sqlite"
                try String(repeating: "no database\n", count: 1_000)
                    .write(toFile: file, atomically: true, encoding: .utf8)
                try await run(in: folder, lm.adapter) { krait in
                    let error = await #expect(throws: CallError.self) {
                        try await krait.beginSession(
                            "s",
                            programs: ["answer": .predict("question -> reply")]
                        )
                    }
                    #expect(error?.code == .sessionStore)
                    #expect(error?.message.contains(file) == true)
                    #expect(await krait.status().sessions.problem?.contains("move it away") == true)
                    let outputs = try await krait.predict("question -> reply", Self.question)
                    #expect(!outputs.isEmpty)
                }
            }
        }
    }

    @Test func `what a full file has no room for waits in memory, and is written when it has`()
        async throws
    {
        try await OfflineLM.running { lm in
            try await withTemporaryDirectory { folder in
                let long = Value.string(String(repeating: "s", count: 150_000))
                let demo: Value = ["question": "Which?", "reply": long]
                try await run(in: folder, lm.adapter, bytes: 256 << 10) { krait in
                    let programs: [String: SessionProgram] = ["answer": .predict(Self.answer)]
                    let state: Value = ["demos": [demo]]
                    let first = try await krait.beginSession("first", programs: programs)
                    try await first.load("answer", state: state)
                    _ = try await first.checkpoint()
                    let second = try await krait.beginSession("s", programs: programs)
                    try await second.load("answer", state: state)
                    let error = await #expect(throws: CallError.self) {
                        try await second.checkpoint()
                    }
                    #expect(error?.code == .sessionStore)
                    #expect(error?.message.contains("no room left") == true)
                    let problem = await krait.status().sessions.problem
                    #expect(problem?.contains("no room left") == true)
                    await kill(krait)
                    #expect(try await self.run(krait) == 2)
                    try await first.end()
                    #expect(await eventually { await krait.status().sessions.unwritten == 0 })
                    #expect(await krait.status().sessions.problem == nil)
                }
                try await run(in: folder, lm.adapter) { krait in
                    #expect(await krait.sessions().map(\.id) == ["s"])
                    #expect(try await self.run(krait) == 3)
                    let options = CallOptions(session: "s")
                    let call = Call("session_checkpoint", options: options)
                    let state = try await krait.call(call).value["programs"]?["answer"]
                    #expect(state?["demos"] == [demo])
                }
            }
        }
    }

    @Test func `a state that another DSPy saved is taken where it fits, or refused by name`()
        async throws
    {
        try await OfflineLM.running { lm in
            try await withTemporaryDirectory { folder in
                try await run(in: folder, lm.adapter) { krait in
                    let programs: [String: SessionProgram] = ["answer": .predict(Self.answer)]
                    _ = try await krait.beginSession("s", programs: programs)
                    #expect(try await self.run(krait) == 1)
                }
                let change = """
                    import sqlite3, sys, msgspec
                    file = sqlite3.connect(sys.argv[1])
                    (blob,) = file.execute("SELECT state FROM session_states").fetchone()
                    state = msgspec.msgpack.decode(blob)
                    state["dspy"] = "2.9.9"
                    state["programs"]["answer"]["old_habit"] = 1
                    blob = msgspec.msgpack.encode(state)
                    file.execute("UPDATE session_states SET state = ?", (blob,))
                    file.commit()
                    """
                let program = try Program(
                    TestPools.interpreter,
                    ["-c", change, "\(folder)/sessions.sqlite"],
                    environment: TestPools.environment,
                    folder: folder
                )
                #expect(try await program.end() == 0, "\(program.errors)")
                try await run(in: folder, lm.adapter) { krait in
                    let error = await #expect(throws: CallError.self) { try await self.run(krait) }
                    #expect(error?.code == .invalidInput)
                    #expect(error?.fault?.message.contains("old_habit") == true)
                    #expect(error?.fault?.message.contains("2.9.9") == true)
                }
            }
        }
    }
}
