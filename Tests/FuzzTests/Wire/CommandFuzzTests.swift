import Krait
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// What a daemon reads beside its workers: lines of its control socket, and its configuration.
@Suite struct CommandFuzzTests {
    static let requests: [Value] = [
        ["id": 1, "verb": "ping"], ["id": "x", "verb": "status"],
        ["id": nil, "verb": "explain", "operation": "predict"],
        ["id": 2, "verb": "stop", "now": true],
        [
            "id": 3, "verb": "call", "operation": "echo", "arguments": ["a": [1, 2.0]],
            "options": [
                "on": "native", "timeout_ms": 500, "idempotent": true, "codec": "json",
                "session": "s", "lm": ["model": "m"],
            ],
        ],
    ]
    static let replies: [Value] = [
        ["id": 1, "ok": ["value": 1, "source": ["kind": "native"], "seconds": 0.1]],
        ["id": 1, "error": ["code": "malformed_request", "message": "no"]],
        [
            "id": 1,
            "error": [
                "code": "faulted", "message": "m", "operation": "o", "path": ["a"], "pool": "p",
                "worker": "w", "delivery": "sent",
                "fault": [
                    "code": "raised", "type": "T", "message": "m", "traceback": "t",
                    "details": ["status": 1],
                ],
            ],
        ],
    ]

    @Test(arguments: FuzzRun.parts)
    func `any bytes are lines, and any line is a request or a refusal`(part: UInt64) {
        let lines = (Self.requests + Self.replies).map { (try? $0.json()) ?? "" }
        FuzzRun.each(
            part,
            { mutator in
                // As a value, as text, and several lines in one go.
                let value = mutator.varied(Self.requests[mutator.number(in: 0...4)])
                var text = (try? value.json()) ?? ""
                if mutator.number(in: 0...2) == 0 {
                    text += "\n" + lines[mutator.number(in: 0...7)]
                }
                let bytes = Array(text.utf8) + [0x0A]
                return mutator.number(in: 0...1) == 0 ? bytes : mutator.changed(bytes)
            }
        ) { (bytes: [UInt8]) in
            var buffer = LineBuffer(limit: 1_000)
            var rest = bytes[...]
            while !rest.isEmpty {
                buffer.append(Array(rest.prefix(97)))
                rest = rest.dropFirst(97)
                while let line = buffer.next() {
                    guard case .whole(let line) = line else { continue }
                    #expect(line.count <= 1_000 && !line.contains(0x0A))
                    check(line)
                }
            }
        }
    }

    private func check(_ line: [UInt8]) {
        _ = ControlReply(line: line)
        guard let value = try? readJSON(line) else { return }
        do throws(ControlFailure) {
            let request = try ControlRequest(value)
            // What was understood can be said again, and is understood the same.
            guard let again = try? request.line(id: 1), let value = try? readJSON(again) else {
                Issue.record("\(String(decoding: line, as: UTF8.self))")
                return
            }
            do throws(ControlFailure) {
                _ = try ControlRequest(value)
            } catch {
                Issue.record("\(error): \(String(decoding: line, as: UTF8.self))")
            }
        } catch {
            #expect(error.code == "malformed_request" && !error.message.isEmpty)
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any text is a configuration, or has problems in its lines`(part: UInt64) {
        FuzzRun.each(part, .configurations) { text in
            do throws(ConfigurationProblems) {
                let configuration = try Configuration(yaml: Array(text.utf8), file: "krait.yaml")
                #expect(configuration.pools.allSatisfy { $0.workers > 0 && $0.slots > 0 })
            } catch {
                #expect(!error.problems.isEmpty)
                #expect(error.problems.count <= ConfigurationProblems.limit)
                let lines =
                    text.utf8.count { $0 == 0x0A || $0 == 0x0D } + text.unicodeScalars.count + 1
                for problem in error.problems {
                    #expect(!problem.reason.isEmpty && problem.position?.line ?? 1 <= lines)
                }
            }
        }
    }
}

extension Seeds {
    static let configurations = Seeds(
        texts: [
            """
            name: desk
            log_level: debug
            drain_timeout: 30s
            routing: prefer_native
            pools:
              general:
                adapter: dspy
                workers: 4
                slots: 16
                python: .venv
                environment: {OMP_NUM_THREADS: 1}
                lm: {model: openai/gpt-4o-mini, key_env: OPENAI_API_KEY, temperature: 0.5}
              echo: {adapter: echo, codec: json, queue_limit: 10, timeout: 5s, heartbeat: 250ms}
            """,
            "pools: &all\n  a: &a {adapter: echo}\n  b: *a\n  c: {<<: *a, workers: 2}\n",
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\npools: {}\n",
            "pools:\n  x:\n    adapter: g:G\n    options: {data: osm, n: [1, 2.5, true, null]}\n",
        ],
        pieces: [
            ":", ": ", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "<<: *a", "!!int ", "!!binary ",
            "|\n", ">-\n", "'", "\"", "\\", "#", "\n", "\r\n", "\t", "  ", "---\n", "...\n", "? ",
            "%YAML 1.1\n", "~", "null", "1e9", "-1", "0x10", "5s", "250ms", "1h", "api_key: x", "é",
            "\u{0}", "\u{85}", "\u{FEFF}", "workers: 0", "pools:", "adapter: echo", "environment:",
        ]
    )
}
