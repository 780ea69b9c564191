import Glibc
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// Streams over the control socket, and through `krait call --stream`.
@Suite(.timeLimit(.minutes(3))) struct ControlStreamTests {
    @Test func `the chunks of a stream come in order, and then its answer`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(
                    #"{"id":"s","verb":"stream","operation":"echo","#
                        + #""arguments":{"chunks":[1,"é",{}]}}"# + "\n"
                )
                #expect(try await client.line() == #"{"id":"s","chunk":1}"#)
                #expect(try await client.line() == #"{"id":"s","chunk":"é"}"#)
                #expect(try await client.line() == #"{"id":"s","chunk":{}}"#)
                let answer = try await client.line() ?? ""
                #expect(
                    answer.hasPrefix(#"{"id":"s","ok":{"value":{"n":3},"source":{"#),
                    "\(answer)"
                )
            }
        }
    }

    @Test func `an error may come after chunks`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(
                    #"{"id":1,"verb":"stream","operation":"raise","arguments":{"chunks":[1]}}"#
                        + "\n"
                )
                #expect(try await client.line() == #"{"id":1,"chunk":1}"#)
                let answer = try await client.line() ?? ""
                #expect(answer.hasPrefix(#"{"id":1,"error":{"code":"faulted""#), "\(answer)")
            }
        }
    }

    @Test(arguments: ["call", "stream"])
    func `a cancel that follows at once finds its request, and no other`(
        verb: String
    ) async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(
                    """
                    {"id":1,"verb":"\(verb)","operation":"hang"}
                    {"id":[1],"verb":"\(verb)","operation":"hang"}
                    {"id":2,"verb":"cancel","of":1}
                    {"id":3,"verb":"cancel","of":7}

                    """
                )
                var lines: Set<String> = []
                for _ in 0..<3 { lines.insert(try await client.line() ?? "") }
                #expect(lines.contains(#"{"id":2,"ok":{"cancelled":1}}"#), "\(lines)")
                #expect(lines.contains(#"{"id":3,"ok":{"cancelled":0}}"#), "\(lines)")
                let ended = lines.contains { $0.hasPrefix(#"{"id":1,"error":{"code":"cancelled""#) }
                #expect(ended, "\(lines)")
                #expect(await core.cancelled == 1)
                try client.send(#"{"id":4,"verb":"cancel","of":1}"# + "\n")
                #expect(try await client.line() == #"{"id":4,"ok":{"cancelled":0}}"#)
            }
        }
    }

    @Test func `a stream waits for a client that does not read, and nobody else does`()
        async throws
    {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { directory in
                do {
                    let deaf = try RawClient(directory.controlSocket)
                    try deaf.send(#"{"id":1,"verb":"stream","operation":"endless"}"# + "\n")
                    let other = try RawClient(directory.controlSocket)
                    for number in 0..<30 {
                        try other.send(#"{"id":\#(number),"verb":"ping"}"# + "\n")
                        #expect(try await other.line() != nil)
                    }
                    // 10 KB each: 256 KiB, and what a pair of sockets holds.
                    #expect(await core.sent < 200)
                    for _ in 0..<120 { #expect(try await deaf.line()?.contains("chunk") == true) }
                    #expect(await eventually { await core.sent >= 120 })
                    try deaf.send(#"{"id":2,"verb":"cancel","of":1}"# + "\n")
                    // Both answers, in any order: the next line is then the next stream's.
                    var answers = 0
                    while answers < 2, let line = try await deaf.line() {
                        if !line.contains(#""chunk""#) { answers += 1 }
                    }
                    #expect(await core.cancelled == 1)
                    try deaf.send(#"{"id":1,"verb":"stream","operation":"endless"}"# + "\n")
                    #expect(try await deaf.line()?.contains("chunk") == true)
                }
                #expect(await eventually { await core.cancelled == 2 })
            }
        }
    }

    @Test func `a chunk that is too long for a line ends its stream`() async throws {
        try await withTemporaryDirectory { base in
            let limits = LineServerLimits(lineBytes: 1_000)
            try await withServer(ScriptedCore(), base: base, limits: limits) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(#"{"id":1,"verb":"stream","operation":"endless"}"# + "\n")
                let answer = try await client.line() ?? ""
                #expect(answer.contains(#""code":"failed""#), "\(answer)")
                #expect(answer.contains("a line may have 1000"), "\(answer)")
            }
        }
    }

    static let dspy = #"""
        {"chunks": [{"status": "Calling tool search..."},
        {"field": "reasoning", "text": "Because ", "is_last": false, "predict": "self"},
        {"field": "reasoning", "text": "so.", "is_last": true, "predict": "self"},
        {"field": "answer", "text": "Yes", "is_last": true, "predict": "self"}]}
        """#

    @Test(arguments: [
        (dspy, "Because so.\n\nYes\n", "Calling tool search...\n"),
        (#"{"chunks": ["a", "b\n", "c"]}"#, "ab\nc\n", ""),
        (#"{"chunks": [1, {"text": "x"}]}"#, "1\n{\"text\":\"x\"}\n{\"n\":2}\n", ""),
        (#"{"chunks": ["a", 1]}"#, "a\n1\n", ""),
        (#"{"chunks": []}"#, "{\"n\":0}\n", ""),
    ])
    func `krait call prints text plainly, and other chunks as lines of JSON`(
        arguments: String,
        output: String,
        errors: String
    ) async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let outcome = await krait(["call", "echo", arguments, "--stream"], base: base)
                #expect(outcome == Outcome(code: .ok, output: output, errors: errors))
            }
        }
    }

    @Test func `krait call prints each chunk as a document where JSON is asked for`()
        async throws
    {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let line = ["call", "--stream", "--json"]
                let outcome = await krait(line + ["echo", #"{"chunks": ["a", 1]}"#], base: base)
                #expect(outcome.code == .ok)
                let lines = outcome.output.split(separator: "\n")
                #expect(lines.prefix(2) == [#"{"chunk":"a"}"#, #"{"chunk":1}"#])
                #expect(lines.last?.hasPrefix(#"{"value":{"n":2},"source":"#) == true)
                let failed = await krait(line + ["raise", #"{"chunks": ["a"]}"#], base: base)
                #expect(failed.code == .failed)
                let ends = failed.output.split(separator: "\n")
                #expect(ends.count == 2)
                #expect(ends.last?.hasPrefix(#"{"error":{"code":"faulted""#) == true)
            }
        }
    }

    @Test func `an error in the middle of a text begins a line of its own`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { _ in
                let arguments = ["call", "raise", #"{"chunks": ["a"]}"#, "--stream"]
                let outcome = await krait(arguments, base: base)
                #expect(outcome.code == .failed)
                #expect(outcome.output == "a\n")
                #expect(outcome.errors.hasPrefix("krait call: "))
            }
        }
    }
}
