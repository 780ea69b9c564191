import KraitPipelines
import KraitRouting
import KraitTestSupport
import KraitWire
import Testing

struct AttemptsTests {
    @Test(
        arguments: [
            (1, 0.5, 100), (2, 0.5, 200), (3, 0.5, 400), (4, 0.5, 500), (9, 0.5, 500), (3, 0, 0),
        ]
    )
    func `a wait doubles up to the longest, and is drawn below it`(
        attempt: Int,
        random: Double,
        milliseconds: Int
    ) {
        let attempts = Attempts(
            10,
            firstWait: .milliseconds(200),
            longestWait: .milliseconds(1_000)
        )
        let error = CallError(.workerCrashed, "gone")
        let wait = attempts.wait(after: error, attempt: attempt, random: random)
        #expect(wait == .milliseconds(milliseconds))
    }

    @Test func `an error that says when to come back is heeded`() {
        let error = CallError(.rateLimited, "later", retryAfter: .seconds(60))
        #expect(Attempts(3).wait(after: error, attempt: 1, random: 0.5) == .seconds(60))
    }

    @Test func `there is no attempt beyond the limit, or for what does not pass`() {
        let attempts = Attempts(2)
        #expect(attempts.wait(after: CallError(.faulted, ""), attempt: 2, random: 0) == nil)
        for code in [CallError.Code.invalidInput, .unknownPool, .cancelled, .deadlineExceeded] {
            #expect(attempts.wait(after: CallError(code, ""), attempt: 1, random: 0) == nil)
        }
        #expect(Attempts(0).limit == 1)
    }
}

/// Counts up with each call, and answers or fails by the number.
func counting(_ answer: @escaping @Sendable (Int) throws(CallError) -> String) -> Script {
    let count = Counter()
    return Script { _ throws(CallError) in
        Reply(.string(try answer(count.next())), from: .native)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct RetryTests {
    private let pipeline = Pipeline("persists") {
        Retry(Attempts(3, firstWait: .seconds(60))) { Ask(operation: "ask") }
    }

    @Test func `steps are tried again, with a wait in between`() async throws {
        let clock = ManualClock()
        let trace = Trace()
        let script = counting { number throws(CallError) in
            if number == 1 { throw CallError(.workerCrashed, "gone") }
            return "answer \(number)"
        }
        let context = RunContext(script, trace: trace) { try await clock.sleep(for: $0) }
        async let output = pipeline.run("x", in: context)
        try await clock.waitForSleepers(1)
        clock.advance(by: .seconds(120))
        #expect(try await output == "answer 2")
        let attempts = await trace.steps.filter { $0.label.hasPrefix("attempt") }
        #expect(attempts.map(\.failure) == [.workerCrashed, nil])
    }

    @Test func `the last error is the run's, with its attempt in the path`() async throws {
        let script = Script { _ throws(CallError) in throw CallError(.queueFull, "full") }
        let context = RunContext(script) { _ in }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run("x", in: context)
        }
        #expect(error?.code == .queueFull)
        #expect(error?.path == ["persists", "1 Retry", "attempt 3", "1 Ask(ask)"])
    }

    @Test func `no wait is begun that the run has no time for`() async throws {
        let clock = ManualClock()
        let script = Script { _ throws(CallError) in
            throw CallError(.rateLimited, "later", retryAfter: .seconds(7_200))
        }
        let options = CallOptions(timeout: .seconds(3_600))
        let context = RunContext(script, options: options) { try await clock.sleep(for: $0) }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run("x", in: context)
        }
        #expect(error?.code == .rateLimited)
        #expect(error?.path.contains("attempt 1") == true)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct TryTests {
    private let pipeline = Pipeline("careful") {
        Try {
            Ask(operation: "large")
        } otherwise: {
            Ask(operation: "small")
        }
    }

    @Test func `the other way is taken where the first fails`() async throws {
        let script = Script { call throws(CallError) in
            if call.operation == "large" { throw CallError(.poolFailed, "broken") }
            return Reply("small", from: .native)
        }
        #expect(try await pipeline.run("x", through: script) == "small")
    }

    @Test func `where both fail the second error is the run's`() async throws {
        let script = Script { call throws(CallError) in
            throw CallError(call.operation == "large" ? .poolFailed : .queueFull, "no")
        }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run("x", through: script)
        }
        #expect(error?.code == .queueFull)
        #expect(error?.path == ["careful", "1 Try", "otherwise", "1 Ask(small)"])
    }

    @Test func `a cancelled run takes no other way`() async throws {
        let script = Script { call throws(CallError) in
            #expect(call.operation == "large")
            withUnsafeCurrentTask { $0?.cancel() }
            throw CallError(.cancelled, "cancelled")
        }
        let error = await withTaskGroup(of: CallError?.self) { group in
            group.addTask {
                do throws(CallError) {
                    _ = try await pipeline.run("x", through: script)
                    return nil
                } catch {
                    return error
                }
            }
            return await group.next() ?? nil
        }
        #expect(error?.code == .cancelled)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct TimeoutTests {
    private static let waiting = Transform("waits") { (_: String) throws -> String in
        try await waitForCancellation()
    }

    @Test func `what is not done in time is cancelled, and its step is named`() async throws {
        let clock = ManualClock()
        let pipeline = Pipeline("slow") { Timeout(.seconds(5)) { Self.waiting } }
        let context = RunContext(Script.silent) { try await clock.sleep(for: $0) }
        let error = await #expect(throws: CallError.self) {
            async let output = pipeline.run("x", in: context)
            try await clock.waitForSleepers(1)
            clock.advance(by: .seconds(5))
            return try await output
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.path == ["slow", "1 Timeout", "1 waits"])
        #expect(clock.sleepers == 0)
    }

    @Test func `a run's timeout is the whole run's, also where a step calls nothing`() async throws
    {
        let clock = ManualClock()
        let pipeline = Pipeline("slow") { Self.waiting }
        let options = CallOptions(timeout: .seconds(5))
        let context = RunContext(Script.silent, options: options) {
            try await clock.sleep(for: $0)
        }
        let error = await #expect(throws: CallError.self) {
            async let output = pipeline.run("x", in: context)
            try await clock.waitForSleepers(1)
            clock.advance(by: .seconds(5))
            return try await output
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.path == ["slow", "1 waits"])
    }

    @Test func `a call has what is left of the time, and of its own`() async throws {
        let script = Script { call throws(CallError) in
            let seconds = (call.options.timeout ?? .zero) / .seconds(1)
            return Reply(
                .string(seconds <= 50 && seconds > 40 ? "fits" : "\(seconds)"),
                from: .native
            )
        }
        let pipeline = Pipeline("nested") {
            Timeout(.seconds(3_600)) { Timeout(.seconds(50)) { Ask(operation: "ask") } }
        }
        #expect(try await pipeline.run("x", through: script) == "fits")
        let options = CallOptions(timeout: .seconds(49))
        #expect(try await pipeline.run("x", through: script, options: options) == "fits")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct RaceTests {
    @Test(arguments: [true, false])
    func `the first answer wins and the slower side is cancelled`(first: Bool) async throws {
        let waiting = Transform("waits") { (_: String) throws -> String in
            try await waitForCancellation()
        }
        let quick = Transform("quick") { (text: String) in text + "!" }
        let pipeline = Pipeline("race") { first ? Race(quick, waiting) : Race(waiting, quick) }
        #expect(try await pipeline.run("x", through: Script.silent) == "x!")
    }

    @Test func `a side that fails loses, and where both do the run fails`() async throws {
        let failing = Transform("fails") { (_: String) throws -> String in
            throw CallError(.queueFull, "full")
        }
        let pipeline = Pipeline("race") { Race(failing, Transform { (text: String) in text }) }
        #expect(try await pipeline.run("x", through: Script.silent) == "x")
        let lost = Pipeline("race") { Race(failing, failing) }
        let error = await #expect(throws: CallError.self) {
            try await lost.run("x", through: Script.silent)
        }
        #expect(error?.code == .queueFull)
        #expect(error?.path.first == "race")
        #expect(error?.path.last?.hasSuffix("fails") == true)
    }
}
