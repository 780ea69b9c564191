import Foundation
import Krait
import KraitTestSupport
import Testing

/// The page of the control protocol, by the client that is written from it.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ControlPageTests {
    /// The page's one block of Python.
    static func client() throws -> String {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/Krait/Krait.docc/ControlProtocol.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let parts = text.components(separatedBy: "```python\n")
        try #require(parts.count == 2)
        return parts[1].components(separatedBy: "```")[0]
    }

    @Test func `the documented client calls a pool, streams, and cancels`() async throws {
        let client = try Self.client()
        #expect(client.split(separator: "\n", omittingEmptySubsequences: false).count <= 41)
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x4")
            let script = "\(lab.folder)/client.py"
            try client.write(toFile: script, atomically: true, encoding: .utf8)
            let folder = "\(lab.folder)/python"
            #expect(mkdir(folder, 0o700) == 0)
            let program = try Program(
                TestPools.interpreter,
                ["-I", script, "\(lab.runDirectory)/default/control.sock"],
                environment: ["PYTHONIOENCODING": "utf-8"],
                folder: folder
            )
            let code = try await program.end()
            #expect(code == 0, "\(program.errors)")
            #expect(program.output == "{'a': [1, 'é']}\n0 1 2 3\ncancelled\n")
            // What it cancelled is over in the worker, too.
            let isIdle = await Self.becomesIdle(lab)
            #expect(isIdle)
            let streamed = try await lab.krait("call", "count", #"{"n": 2}"#, "--stream")
            #expect(streamed.output == "0\n1\n2\n", "\(streamed.errors)")
            let failed = try await lab.krait(
                "call",
                "count",
                #"{"n": 2, "fail_at": 1}"#,
                "--stream"
            )
            #expect(failed.code == 1)
            #expect(failed.output == "0\n")
            #expect(failed.errors.contains("ValueError"))
            try await lab.krait("stop")
        }
    }

    @Test func `Ctrl-C ends a stream in the worker`() async throws {
        try await CommandLab.open { lab in
            _ = try await lab.detach("--pool", "echo=echo:1x4")
            let program = try lab.start(["call", "count", #"{"n": 1000000000}"#, "--stream"])
            let hasBegun = await eventually(within: .seconds(30)) {
                program.output.hasPrefix("0\n1\n")
            }
            #expect(hasBegun)
            kill(program.id, SIGINT)
            // A shell calls that 130.
            let code = try await program.end()
            #expect(code == -SIGINT)
            let isIdle = await Self.becomesIdle(lab)
            #expect(isIdle)
            try await lab.krait("stop")
        }
    }

    /// Waits until no call takes a slot.
    private static func becomesIdle(_ lab: CommandLab) async -> Bool {
        await eventually(within: .seconds(10)) {
            guard let status = try? await lab.krait("status", "--json") else { return false }
            let worker = status.json?["pools"]?.list?.first?["workers"]?.list?.first
            return worker?["busy"] == 0
        }
    }
}
