import Foundation
import KraitObservability
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// `krait resize`, `drain`, `resume`, `recycle` and `top`.
@Suite(.timeLimit(.minutes(1))) struct SteerCommandTests {
    @Test(arguments: [
        (["resize", "p", "3"], SteeringRequest(pool: "p", change: .resize(3))),
        (
            ["resize", "p", "1", "--no-wait"],
            SteeringRequest(pool: "p", change: .resize(1), waiting: false)
        ),
        (["drain", "p"], SteeringRequest(pool: "p", change: .drain(within: nil))),
        (
            ["drain", "p", "--within", "5s"],
            SteeringRequest(pool: "p", change: .drain(within: .seconds(5)))
        ),
        (["resume", "p"], SteeringRequest(pool: "p", change: .resume)),
        (["recycle", "p"], SteeringRequest(pool: "p", change: .recycle)),
    ])
    func `a pool is changed as the command line says`(
        line: [String],
        request: SteeringRequest
    ) async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { _ in
                let outcome = await krait(line, base: base)
                let begun = request.waiting ? "" : "begun: "
                let text = "\(begun)p: ready; workers: 1 ready; 1 calls run, 2 wait\n"
                #expect(outcome == Outcome(code: .ok, output: text, errors: ""))
                let json = await krait(line + ["--json"], base: base)
                let status = try readJSON(Array(json.output.utf8))
                #expect(status["state"] == "ready")
            }
            #expect(await core.steered == [request, request])
        }
    }

    @Test func `a pool that is not there is told, with those that are`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let outcome = await krait(["resize", "q", "3"], base: base)
                #expect(outcome.code == .failed && outcome.output == "")
                #expect(outcome.errors == "krait resize: there is no pool `q`; there is p\n")
                let json = await krait(["drain", "q", "--json"], base: base)
                let error = try readJSON(Array(json.output.utf8))["error"]
                #expect(json.code == .failed && error?["code"] == "unknown_pool")
            }
        }
    }

    @Test(arguments: [
        (["resize", "p"], "krait resize: N is missing"),
        (["resize", "p", "0"], "krait resize: N must be an integer from 1 to 1024, not \"0\""),
        (["resize", "p", "many"], "krait resize: N must be an integer from 1 to 1024"),
        (["drain"], "krait drain: POOL is missing"),
        (["drain", "p", "--within", "5"], "krait drain: --within must be a time with its unit"),
        (["resum", "p"], "krait: there is no command \"resum\"; did you mean `resume`?"),
    ])
    func `a command line that cannot be followed says why`(line: [String], why: String) async {
        let outcome = await krait(line, base: "/nowhere")
        #expect(outcome.code == .usage)
        #expect(outcome.errors.hasPrefix(why), "\(outcome.errors)")
    }

    @Test func `a change that takes too long goes on, and is told so`() async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore(steers: false)
            try await withServer(core, base: base) { _ in
                let line = ["recycle", "p", "--timeout", "50ms"]
                let outcome = await krait(line, base: base)
                #expect(outcome.code == .failed)
                #expect(
                    outcome.errors
                        == "krait: p is not done after 50ms; the change goes on, and "
                        + "`krait status` shows how far it has come\n"
                )
            }
        }
    }

    // MARK: top

    @Test func `top shows the status as often as it is asked to`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let line = ["top", "--count", "3", "--interval", "1ms"]
                let outcome = await krait(line, base: base)
                #expect(outcome.code == .ok && outcome.errors == "")
                let looks = outcome.output.components(separatedBy: "\n\n")
                #expect(looks.count == 3, "\(outcome.output)")
                #expect(looks.allSatisfy { $0.hasPrefix("default: pid 4711, run cafe, up 1m 1s") })
                let json = await krait(line + ["--json"], base: base)
                let lines = json.output.split(separator: "\n").map { try? Value(json: String($0)) }
                #expect(lines.count == 3 && lines.allSatisfy { $0?["pid"] == 4_711 })
            }
        }
    }

    @Test func `rates are of the time between two looks`() {
        let rates = StatusText.Rates(pools: ["p": 12.34], workers: [7: 1_234.5])
        let status: Value = [
            "pools": [
                ["name": "p", "served": 9, "target": 3, "workers": [["pid": 7, "served": 9]]]
            ]
        ]
        let text = StatusText.whole(status, name: "x", rates: rates)
        #expect(text.contains("CALLS/S") && text.contains("12.3") && text.contains("1234"))
        #expect(text.contains("1 of 3"))
        #expect(StatusText.whole(status, name: "x", rates: StatusText.Rates()).contains(" -"))
    }
}

extension SignalTests {
    @Suite(.timeLimit(.minutes(1))) struct TopInterruptionTests {
        @Test func `top ends without an error when it is interrupted`() async throws {
            try await withTemporaryDirectory { base in
                try await withServer(ScriptedCore(), base: base) { _ in
                    let isDone = Lock(false)
                    async let outcome = {
                        let line = ["top", "--interval", "1h"]
                        let outcome = await krait(line, base: base, interruptions: [SIGURG])
                        isDone.withLock { $0 = true }
                        return outcome
                    }()
                    #expect(
                        await eventually {
                            kill(getpid(), SIGURG)
                            return isDone.withLock(\.self)
                        }
                    )
                    #expect(await outcome.code == .ok)
                }
            }
        }
    }
}
