import KraitChaos
import KraitWire
import Testing

/// That the book finds what it is kept for.
@Suite struct LedgerTests {
    private let start = ContinuousClock.now

    private func call(_ number: Int, pool: String = "p") -> SentCall {
        SentCall(
            number: number,
            pool: pool,
            operation: "echo",
            token: "t\(number)",
            sentAt: start,
            timeout: .seconds(1)
        )
    }

    private func reply(_ number: Int64, _ value: Value) -> Value {
        ["id": .int(number), "ok": ["value": value]]
    }

    private func error(_ number: Int64, _ code: String, worker: String? = nil) -> Value {
        [
            "id": .int(number),
            "error": [
                "code": .string(code), "message": "m", "worker": worker.map(Value.string) ?? .null,
            ],
        ]
    }

    /// A ledger with the calls 0 and 1, which is told these answers after `seconds`.
    private func ledger(_ answers: Value..., seconds: Double = 0.5) -> Ledger {
        var ledger = Ledger()
        for number in 0...1 { ledger.send(call(number)) }
        for answer in answers {
            _ = ledger.answered(answer, at: start + .seconds(seconds)) { _, outcome in
                if case .failed("known", _, _) = outcome { true } else { false }
            }
        }
        return ledger
    }

    @Test func `answers with their tokens are all there is to it`() {
        let ledger = ledger(reply(0, "t0"), reply(1, ["a": ["t1"]]))
        #expect(ledger.ok == 2)
        #expect(ledger.irregular.isEmpty)
        #expect(ledger.open.isEmpty)
    }

    @Test func `a second answer is seen, and one to no call`() {
        #expect(ledger(reply(0, "t0"), reply(0, "t0")).count(.duplicate) == 1)
        #expect(ledger(reply(7, "t7")).count(.duplicate) == 1)
        #expect(ledger(reply(0, "t0"), error(0, "known")).count(.duplicate) == 1)
    }

    @Test func `another call's answer is seen`() {
        #expect(ledger(reply(0, "t1")).count(.mixedUp) == 1)
        #expect(ledger(reply(0, .null)).count(.mixedUp) == 1)
    }

    @Test func `what is no answer is seen`() {
        #expect(ledger("nonsense").count(.unreadable) == 1)
        #expect(ledger(["id": 0]).count(.unreadable) == 1)
        #expect(ledger(["id": 0, "error": "broken"]).count(.unreadable) == 1)
    }

    @Test func `an error that nothing explains is seen, others are counted`() {
        let ledger = ledger(error(0, "known"), error(1, "queue_full"))
        #expect(ledger.errors == ["known": 1, "queue_full": 1])
        #expect(ledger.count(.unexplained) == 1)
    }

    @Test(arguments: [(1.2, 0), (1.251, 1)])
    func `what comes a quarter of a second after its deadline is late`(
        seconds: Double,
        late: Int
    ) {
        #expect(ledger(reply(0, "t0"), seconds: seconds).count(.late) == late)
    }

    @Test func `a call without an answer is lost after a while`() {
        var ledger = ledger(reply(0, "t0"))
        ledger.sweep(at: start + .seconds(10))
        #expect(ledger.count(.lost) == 0)
        ledger.sweep(at: start + .seconds(12))
        #expect(ledger.count(.lost) == 1)
        #expect(ledger.open.isEmpty)
        _ = ledger.answered(reply(1, "t1"), at: start + .seconds(13)) { _, _ in true }
        #expect(ledger.count(.duplicate) == 1)
    }

    @Test func `a report is broken by each irregularity, and by lateness only where it counts`()
        throws
    {
        for (arguments, code) in [([], 1), (["--light"], 0)] as [([String], Int32)] {
            var report = Report(try Options(arguments))
            report.ledger = ledger(reply(0, "t0"), reply(1, "t1"), seconds: 9)
            report.judge()
            #expect(report.exitCode == code)
        }
        var report = Report(try Options(["--seed", "5"]))
        report.ledger = ledger(reply(0, "t1"))
        report.judge()
        #expect(report.exitCode == 1)
        #expect(report.text.contains("BROKEN: 1 mixedUp"))
        #expect(report.text.contains("BROKEN: 1 still open"))
        #expect(report.text.contains("again: krait-chaos --seed 5"))
        #expect(try Value(json: report.json())["mixedUp"] == 1)
    }

    // MARK: Explanations

    @Test func `a killed worker explains the crashes of its own calls alone`() {
        let killed = Episode(kind: .killWorker, pool: "p", worker: 2, from: start)
        func explains(_ call: SentCall, _ code: String, _ worker: String?) -> Bool {
            let outcome = Ledger.Outcome.failed(code: code, worker: worker, text: "")
            return killed.explains(call, outcome, at: start + .milliseconds(10))
        }
        #expect(explains(call(0), "worker_crashed", "p/2.17"))
        #expect(!explains(call(0), "worker_crashed", "p/1.17"))
        #expect(!explains(call(0), "worker_crashed", "p/22.1"))
        #expect(!explains(call(0), "queue_full", "p/2.17"))
        #expect(!explains(call(0, pool: "q"), "worker_crashed", "q/2.17"))
        #expect(!killed.explains(call(0), .ok, at: start))
    }

    @Test func `a fault explains nothing before it, nor long after`() {
        var episode = Episode(kind: .languageModelDies, pool: "p", worker: nil, from: start)
        let outcome = Ledger.Outcome.failed(code: "faulted", worker: nil, text: "")
        #expect(!episode.explains(call(0), outcome, at: start - .milliseconds(1)))
        #expect(episode.explains(call(0), outcome, at: start + .seconds(60)))
        episode.to = start - .seconds(2)
        #expect(!episode.explains(call(0), outcome, at: start + .seconds(1)))
    }

    // MARK: The command line

    @Test func `options are read, and what is wrong is refused by name`() throws {
        let options = try Options([
            "--mode", "daemon", "--kills", "3", "--seed", "9", "--faults", "kill,poison", "--json",
        ])
        #expect(options.mode == .daemon)
        #expect(options.kills == 3)
        #expect(options.seed == 9)
        #expect(options.faults.count == 1 + Poison.allCases.count)
        #expect(options.isJSON)
        for wrong in [["--mode"], ["--faults", "sun"], ["--calls", "many"], ["--what"]] {
            let error = #expect(throws: ChaosError.self) { try Options(wrong) }
            #expect(error?.description.contains(wrong[0]) == true)
        }
    }

    @Test func `the help names every mode and fault, each of which has its name back`() {
        for mode in Options.Mode.allCases { #expect(Options.help.contains("  \(mode.rawValue) ")) }
        for kind in FaultKind.all {
            #expect(Options.help.contains("\n  \(kind)"))
            #expect(FaultKind(name: kind.description) == kind)
        }
    }
}
