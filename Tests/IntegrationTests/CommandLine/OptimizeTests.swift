import Foundation
import Glibc
import Krait
import KraitModules
import KraitTestSupport
import Testing

/// `krait optimize` against a daemon with one worker and the offline LM.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OptimizeTests {
    /// A lab with a daemon that has a pool for optimizers, and a training file.
    struct Bench: Sendable {
        let lab: CommandLab
        let lm: OfflineLM
        let rows: String
        let output: String

        static func open(
            _ arguments: String...,
            body: (Bench) async throws -> Void
        ) async throws {
            try await OfflineLM.running(arguments) { lm in
                try await CommandLab.open { lab in
                    let rows = "\(lab.folder)/train.jsonl"
                    let lines = try Messages.rows.map { try Value.map($0).json() + "\n" }
                    try lines.joined().write(toFile: rows, atomically: true, encoding: .utf8)
                    let configuration = try lab.configuration(
                        """
                        pools:
                          optimizer:
                            adapter: dspy
                            workers: 1
                            slots: 1
                            lm: {model: openai/offline, api_base: "\(lm.url)", num_retries: 0}

                        """
                    )
                    _ = try await lab.detach("--config", configuration)
                    let output = "\(lab.folder)/out.json"
                    try await body(Bench(lab: lab, lm: lm, rows: rows, output: output))
                    #expect(try await lab.krait("stop").code == 0)
                }
            }
        }

        func command(_ optimizer: String, _ settings: ValueMap) throws -> [String] {
            let set = try settings.entries.flatMap { ["--set", "\($0)=\(try $1.json())"] }
            return [
                "optimize", "Predict:\(Messages.signature)", "--trainset", rows, "--metric",
                "answer_exact_match", "--field", "team", "--output", output, "--optimizer",
                optimizer,
            ] + set
        }

        var job: Value? { (wholeFile("\(output).job/job.json")).flatMap { try? Value(json: $0) } }

        /// Waits for the first program that the job keeps.
        func kept() async -> Bool {
            await eventually(within: .seconds(60)) { job?["best"]?.string != nil }
        }
    }

    @Test(arguments: Messages.optimizers.keys.sorted())
    func `an optimizer runs, counts what the server counts, and its program runs natively`(
        optimizer: String
    ) async throws {
        try await Bench.open { bench in
            let settings = try #require(Messages.optimizers[optimizer])
            let command = try bench.command(optimizer, settings) + ["--json"]
            let ended = try await bench.lab.krait(command)
            #expect(ended.code == 0, "\(ended.errors)")
            let requests = try bench.lm.asked.count
            print(
                "measured: \(optimizer): \(requests) requests at the server, shown "
                    + "\(ended.json?["lm_calls"]?.int ?? -1)"
            )
            #expect(ended.json?["lm_calls"]?.int == requests)
            #expect(bench.job?["lm_calls"]?.int == requests)
            #expect(bench.job?["state"] == "done")
            #expect(optimizer == "BootstrapFewShot" || ended.errors.contains("best so far: "))
            #expect(ended.json?["score"]?["before"]?.double == 0)
            // SIMBA learns from what was right by chance, and a text never is.
            let learns = optimizer != "SIMBA"
            let after = try #require(ended.json?["score"]?["after"]?.double)
            #expect((after > 50) == learns)
            let model = LM("openai/offline", apiBase: bench.lm.url, cache: false, numRetries: 0)
            let saved = try SavedProgram(contentsOf: bench.output)
            let program = try KraitModules.Program.predict(Messages.signature).loading(saved)
            var right = 0
            for row in Messages.rows {
                let found = try await program(["message": row["message"] ?? ""], with: model)
                if found["team"] == row["team"] { right += 1 }
            }
            #expect((right > 0) == learns)
        }
    }

    @Test func `Ctrl-C ends the job, keeps the best program, and frees the worker`() async throws {
        try await Bench.open("--latency-ms", "30") { bench in
            let long: ValueMap = ["bsize": 16, "num_candidates": 3, "max_steps": 50]
            let run = try bench.lab.start(try bench.command("SIMBA", long))
            #expect(await bench.kept())
            kill(run.id, SIGINT)
            #expect(try await run.end() == 130, "\(run.errors)")
            #expect(bench.job?["state"] == "cancelled")
            #expect(run.errors.contains("interrupted; the best program after "))
            let best = try #require(bench.job?["best"]?.string)
            let path = "\(bench.output).job/\(best)"
            #expect(throws: Never.self) { try SavedProgram(contentsOf: path) }
            let ping = try await bench.lab.krait("call", "lm_ping", "{}")
            #expect(ping.code == 0, "\(ping.errors)")
        }
    }

    @Test func `a job whose worker is killed says what it has left, and goes on`() async throws {
        try await Bench.open("--latency-ms", "30") { bench in
            let long: ValueMap = ["bsize": 16, "num_candidates": 3, "max_steps": 50]
            let run = try bench.lab.start(try bench.command("SIMBA", long))
            #expect(await bench.kept())
            let status = try await bench.lab.krait("status", "--json").json
            let worker = status?["pools"]?.list?.first?["workers"]?.list?.first?["pid"]?.int
            kill(pid_t(try #require(worker)), SIGKILL)
            #expect(try await run.end() == 1, "\(run.errors)")
            #expect(bench.job?["state"] == "failed")
            let best = "\(bench.output).job/\(try #require(bench.job?["best"]?.string))"
            #expect(run.errors.contains("--from \(best) goes on from it"))
            let again = try bench.command("BootstrapFewShot", [:]) + ["--from", best, "--json"]
            let ended = try await bench.lab.krait(again)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.errors.contains("an earlier job did not come to its end"))
            #expect(ended.json?["parent"]?.string?.count == 64)
        }
    }

    @Test func `broken rows and unknown names are told before anything is asked`() async throws {
        try await Bench.open { bench in
            let text = try #require(wholeFile(bench.rows))
            let broken = text + "{\"message\": \"cut\n[1]\n"
            try broken.write(toFile: bench.rows, atomically: true, encoding: .utf8)
            let usual = try bench.command("BootstrapFewShot", [:])
            let refused = try await bench.lab.krait(usual)
            #expect(refused.code == 1)
            #expect(refused.errors.contains("2 broken rows"))
            #expect(refused.errors.contains("line 49: "), "\(refused.errors)")
            #expect(refused.errors.contains("line 50: "))
            let cases: [(String, String, Int32, String)] = [
                ("BootstrapFewShot", "MIPRO2", 1, "did you mean 'MIPROv2'"),
                ("answer_exact_match", "EMM", 2, "there is no metric EMM"),
                ("team", "teem", 1, "row 1: the field teem is missing"),
                ("--field", "--set", 2, "write NAME=VALUE"),
            ]
            for (given, other, code, part) in cases {
                let changed = usual.map { $0 == given ? other : $0 } + ["--skip-broken"]
                let ended = try await bench.lab.krait(changed)
                #expect(ended.code == code)
                #expect(ended.errors.contains(part), "\(ended.errors)")
                #expect(!ended.errors.contains("no program"), "\(ended.errors)")
            }
            let settings = [
                "max_label_demos=1": "did you mean 'max_labeled_demos'",
                "max_rounds=\"two\"": "settings.max_rounds: ",
            ]
            for (setting, part) in settings {
                let more = ["--skip-broken", "--set", setting]
                let ended = try await bench.lab.krait(usual + more)
                #expect(ended.code == 1)
                #expect(ended.errors.contains(part), "\(ended.errors)")
            }
            #expect(try bench.lm.asked.isEmpty)
            let skipped = try await bench.lab.krait(usual + ["--skip-broken"])
            #expect(skipped.code == 0, "\(skipped.errors)")
            #expect(skipped.errors.contains("2 broken rows are left out"))
            #expect(skipped.output.contains("0.0 before, "))
        }
    }
}
