import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// The native side beside real DSPy in a worker, as a user compares them.
@Suite(.serialized, .timeLimit(.minutes(3)), .needsPinnedDSPy) struct ParityCommandTests {
    @Test func `random questions are answered natively as DSPy answers them`() async throws {
        try await CommandLab.open { lab in
            let ended = try await lab.krait("parity", "--generate", "600", "--seed", "3", "--json")
            #expect(ended.code == 0, "\(ended.output)\(ended.errors)")
            let rows = try ended.output.split(separator: "\n").map { try Value(json: String($0)) }
            let counts = ["passed", "failed", "delegated"].map { key in
                rows.reduce(0) { $0 + ($1[key]?.int ?? 0) }
            }
            #expect(counts[0] + counts[2] == 600)
            #expect(counts[1] == 0)
            #expect(Set(rows.compactMap { $0["file"]?.string }).count == 12)
        }
    }

    @Test func `whole predictions make the same requests and give the same fields`() async throws {
        try await CommandLab.open { lab in
            let ended = try await lab.krait("parity", "--modules", "60", "--seed", "5", "--json")
            #expect(ended.code == 0, "\(ended.output)\(ended.errors)")
            let tally = try Value(json: ended.output)
            #expect(tally["failed"] == 0)
            let count = (tally["passed"]?.int ?? 0) + (tally["delegated"]?.int ?? 0)
            #expect(count == 60)
        }
    }

    @Test func `questions of one's own are shown with both answers`() async throws {
        try await CommandLab.open { lab in
            let path = "\(lab.folder)/questions.jsonl"
            let lines = [
                #"{"signature": "q -> n: int", "inputs": {"q": "?"}, "#
                    + #""completion": "[[ ## n ## ]]\n3"}"#,
                #"{"signature": "a: datetime.datetime -> b"}"#, #"{"name": "isHTTPOk"}"#,
            ]
            try lines.joined(separator: "\n").write(
                toFile: path,
                atomically: true,
                encoding: .utf8
            )
            let ended = try await lab.krait("parity", "--live", path)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.output.contains("question 1 the same: "))
            #expect(ended.output.contains(#"signature_str: "q -> n""#))
            #expect(ended.output.contains(#""fields": {"n": 3}"#))
            #expect(ended.output.contains("question 4 delegated by module"))
            #expect(ended.output.contains(#"prefix: "Is HTTP Ok""#))
            #expect(
                ended.output.hasSuffix(
                    """
                    \(path): passed 4, failed 0, delegated 1
                      delegated by module (a name that Python finds by importing a module): 1

                    """
                )
            )
        }
    }

    @Test func `an interrupted comparison ends, and nothing is left`() async throws {
        try await CommandLab.open { lab in
            let program = try lab.start(["parity", "--generate", "10000000"])
            let begun = await eventually(within: .seconds(60)) {
                program.errors.contains(" of 10000000 compared")
            }
            #expect(begun)
            #expect(kill(program.id, SIGINT) == 0)
            #expect(try await program.end() == 130)
        }
    }

    @Test func `native code is measured beside DSPy`() async throws {
        try await CommandLab.open { lab in
            let ended = try await lab.krait(
                "bench",
                "native",
                "metric.em",
                "chat.parse",
                "--json",
                "--seconds",
                "0.1",
                "--repetitions",
                "1"
            )
            #expect(ended.code == 0, "\(ended.errors)")
            let rows = try ended.output.split(separator: "\n").map { try Value(json: String($0)) }
            #expect(rows.map { $0["bench"] } == ["chat.parse", "metric.em"])
            for row in rows {
                for key in ["native_us", "python_us", "pooled_us", "ratio", "n"] {
                    #expect(row[key]?.double.map { $0 > 0 } == true, "\(key)")
                }
            }
        }
    }
}
