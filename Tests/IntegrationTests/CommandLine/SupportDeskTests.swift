import Glibc
import Krait
import KraitTestSupport
import Testing

/// The README's program, as it is built: served, run and stopped by `krait`.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SupportDeskTests {
    @Test func `the README's pipeline runs on the offline LM, and repairs its answer`() async throws
    {
        try await CommandLab.open { lab in
            let own = "\(lab.folder)/desk"
            #expect(mkdir(own, 0o700) == 0)
            let path = CommandLab.program.dropLast("krait".count) + "support-desk"
            let desk = try Program(
                String(path),
                [],
                environment: lab.mark.environment.merging([
                    "KRAIT_RUN_DIRECTORY": lab.runDirectory, "KRAIT_PYTHON": TestPools.python,
                    "TMPDIR": lab.folder,
                ]) { $1 },
                folder: own
            )
            let isUp = await eventually {
                (try? await lab.krait("status", "--name", "support-desk"))?.code == 0
            }
            #expect(isUp, "\(desk.errors)")
            let run = try await lab.krait(
                "run",
                "support",
                #"{"message": "How do I return a lamp?"}"#,
                "--json",
                "--trace",
                "--deadline",
                "90s",
                "--name",
                "support-desk"
            )
            let letter =
                "You can return any lamp within 30 days with the label that lies in its box."
            #expect(run.json?["value"]?.string == letter, "\(run.output)")
            let calls = run.json?["run"]?["steps"]?.list?.flatMap { $0["calls"]?.list ?? [] } ?? []
            let routes = calls.compactMap { $0["route"]?.string }.sorted()
            #expect(routes == ["native", "pool general", "pool general"])
            #expect(try await lab.krait("stop", "--name", "support-desk").code == 0)
            #expect(try await desk.end() == 0)
        }
    }

    @Test func `its step that sorts is optimized by a Swift metric, and is better after`()
        async throws
    {
        try await CommandLab.open { lab in
            let path = CommandLab.program.dropLast("krait".count) + "support-desk"
            let saved = "\(lab.folder)/sort.json"
            let own = "\(lab.folder)/training"
            #expect(mkdir(own, 0o700) == 0)
            let desk = try Program(
                String(path),
                ["optimize", saved],
                environment: lab.mark.environment.merging([
                    "KRAIT_PYTHON": TestPools.python, "TMPDIR": lab.folder,
                ]) { $1 },
                folder: own
            )
            #expect(try await desk.end() == 0, "\(desk.errors)")
            print("measured: \(desk.output)")
            #expect(desk.output.contains("before: 50.0 %"), "\(desk.output)")
            #expect(desk.output.contains("after:  100.0 %"), "\(desk.output)")
            #expect(try SavedProgram(contentsOf: saved).predictors.keys == ["self"])
        }
    }
}
