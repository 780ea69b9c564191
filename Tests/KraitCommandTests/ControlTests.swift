import Glibc
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

@Suite(.timeLimit(.minutes(1))) struct ControlTests {
    @Test func `requests of one client are answered by their ids, in whatever order`() async throws
    {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(
                    """
                    {"id": "slow", "verb": "call", "operation": "hang"}
                    {"id": 2, "verb": "call", "operation": "echo", "arguments": {"a": [1, 1.0]}}

                    """
                )
                let answer = try await client.line()
                let source = #"{"kind":"pool","pool":"p","worker":"p/1.0","codec":"json"}"#
                let ok = #"{"id":2,"ok":{"value":{"a":[1,1.0]},"source":\#(source),"seconds":"#
                #expect(answer?.hasPrefix(ok) == true, "\(answer ?? "")")
                try client.send(#"{"id": null, "verb": "status"}"# + "\n")
                #expect(try await client.line()?.hasPrefix(#"{"id":null,"ok":{"pid":4711"#) == true)
                #expect(await core.underWay == 1)
            }
            #expect(await core.cancelled == 1)
        }
    }

    @Test func `a client that goes away cancels its calls and no others`() async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { directory in
                let staying = try RawClient(directory.controlSocket)
                try staying.send(#"{"id":1,"verb":"call","operation":"hang"}"# + "\n")
                do {
                    let going = try RawClient(directory.controlSocket)
                    try going.send(#"{"id":1,"verb":"call","operation":"hang"}"# + "\n")
                    try going.send(#"{"id":2,"verb":"call","operation":"hang"}"# + "\n")
                    #expect(await eventually { await core.underWay == 3 })
                }
                #expect(await eventually { await core.cancelled == 2 })
                #expect(await core.underWay == 1)
            }
        }
    }

    @Test func `a client that only ends its own direction is still answered`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(#"{"id":1,"verb":"ping"}"# + "\n")
                client.endSending()
                #expect(try await client.line()?.contains(#""protocol":1"#) == true)
                #expect(try await client.line() == nil)
            }
        }
    }

    @Test(arguments: [
        ("garbage", "null", "the line is not JSON"),
        ("", "null", "the line is not JSON"),
        ("[1]", "null", "a request is a JSON object, not a list"),
        (#"{"id":1,"id":2}"#, "null", "the line is not JSON"),
        (#"{"id":7}"#, "7", "the request has no \\\"verb\\\""),
        (#"{"id":7,"verb":1}"#, "7", "verb must be text, not an integer"),
        (#"{"id":7,"verb":"dance"}"#, "7", "there is no verb \\\"dance\\\""),
        (#"{"id":7,"verb":"status","all":1}"#, "7", "unknown key \\\"all\\\""),
        (#"{"id":7,"verb":"call"}"#, "7", "the request has no \\\"operation\\\""),
        (
            #"{"id":7,"verb":"call","operation":"echo","arguments":[]}"#, "7",
            "arguments must be a map, not a list"
        ),
        (
            #"{"id":7,"verb":"call","operation":"echo","options":{"timeuot_ms":1}}"#, "7",
            "options has an unknown key \\\"timeuot_ms\\\"; did you mean \\\"timeout_ms\\\"?"
        ),
        (
            #"{"id":7,"verb":"call","operation":"echo","options":{"timeout_ms":0}}"#, "7",
            "options.timeout_ms must be a number of milliseconds above 0"
        ),
        (
            #"{"id":7,"verb":"call","operation":"echo","options":{"codec":"xml"}}"#, "7",
            "options.codec must be json or msgpack"
        ),
        (
            #"{"id":7,"verb":"call","operation":"echo","options":{"idempotent":1}}"#, "7",
            "options.idempotent must be a boolean, not an integer"
        ),
    ])
    func `a malformed line is answered, and the next one served`(
        _ line: String,
        _ id: String,
        _ reason: String
    ) async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(line + "\n")
                let answer = try await client.line() ?? ""
                let error = #"{"id":\#(id),"error":{"code":"malformed_request","message":""#
                #expect(answer.hasPrefix(error), "\(answer)")
                #expect(answer.contains(reason), "\(answer)")
                try client.send(#"{"id":8,"verb":"ping"}"# + "\n")
                #expect(try await client.line()?.hasPrefix(#"{"id":8,"ok":"#) == true)
            }
        }
    }

    @Test func `a line that is too long is refused, and the next one served`() async throws {
        try await withTemporaryDirectory { base in
            let limits = LineServerLimits(lineBytes: 1_000)
            try await withServer(ScriptedCore(), base: base, limits: limits) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(String(repeating: "x", count: 300_000) + "\n")
                let refusal = try await client.line()
                #expect(refusal?.contains("a line may have at most 1000 bytes") == true)
                try client.send(#"{"id":1,"verb":"call","operation":"large"}"# + "\n")
                let tooLarge = try await client.line()
                #expect(tooLarge?.contains("and a line may have 1000") == true, "\(tooLarge ?? "")")
                try client.send(#"{"id":2,"verb":"ping"}"# + "\n")
                #expect(try await client.line()?.hasPrefix(#"{"id":2,"ok""#) == true)
            }
        }
    }

    @Test func `no more lines of a client are under way than the limit`() async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            let limits = LineServerLimits(linesUnderWay: 3)
            try await withServer(core, base: base, limits: limits) { directory in
                let client = try RawClient(directory.controlSocket)
                let hang = #"{"id":1,"verb":"call","operation":"hang"}"# + "\n"
                try client.send(String(repeating: hang, count: 10))
                #expect(await eventually { await core.underWay == 3 })
                // Another client's lines are not held up; once it is answered the rest is unread.
                let other = try RawClient(directory.controlSocket)
                try other.send(#"{"id":1,"verb":"ping"}"# + "\n")
                #expect(try await other.line() != nil)
                #expect(await core.underWay == 3)
            }
            #expect(await core.cancelled == 3)
        }
    }

    @Test func `many lines of one client are all answered, a few at a time`() async throws {
        try await withTemporaryDirectory { base in
            let limits = LineServerLimits(linesUnderWay: 3, unreadBytes: 1_000)
            try await withServer(ScriptedCore(), base: base, limits: limits) { directory in
                let client = try RawClient(directory.controlSocket)
                for id in 0..<200 {
                    try client.send(#"{"id":\#(id),"verb":"call","operation":"large"}"# + "\n")
                }
                var ids: Set<Int> = []
                for _ in 0..<200 {
                    let line = try await client.line() ?? ""
                    ids.insert(try Value(json: line)["id"]?.int ?? -1)
                }
                #expect(ids == Set(0..<200))
            }
        }
    }

    @Test func `clients beyond the limit wait their turn`() async throws {
        try await withTemporaryDirectory { base in
            let limits = LineServerLimits(clients: 1)
            try await withServer(ScriptedCore(), base: base, limits: limits) { directory in
                var first: RawClient? = try RawClient(directory.controlSocket)
                try first?.send(#"{"id":1,"verb":"ping"}"# + "\n")
                #expect(try await first?.line() != nil)
                let second = try RawClient(directory.controlSocket)
                try second.send(#"{"id":2,"verb":"ping"}"# + "\n")
                first = nil
                #expect(try await second.line()?.hasPrefix(#"{"id":2"#) == true)
            }
        }
    }

    @Test func `what runs when the server ends is cancelled and told`() async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            let client = try await withServer(core, base: base) { directory in
                let client = try RawClient(directory.controlSocket)
                try client.send(#"{"id":1,"verb":"call","operation":"hang"}"# + "\n")
                #expect(await eventually { await core.underWay == 1 })
                return client
            }
            #expect(try await client.line()?.contains(#""code":"cancelled""#) == true)
            #expect(try await client.line() == nil)
        }
    }

    @Test func `two daemons of different names answer side by side`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), name: "a", base: base) { first in
                try await withServer(ScriptedCore(), name: "b", base: base) { second in
                    for (directory, name) in [(first, "a"), (second, "b")] {
                        let client = ControlClient(directory: directory)
                        #expect(try await client.ping(timeout: .seconds(50)).name == name)
                    }
                    #expect(first.neighbours() == ["b"])
                    let error = try await #require(throws: ControlClientError.self) {
                        let directory = try RunDirectory(name: "c", chosen: base, environment: [:])
                        _ = try await ControlClient(directory: directory).ping()
                    }
                    #expect(error.description.hasSuffix("choose with --name one that runs: a, b"))
                }
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ControlClientTests {
    @Test func `a call's options and its error travel whole`() async throws {
        try await withTemporaryDirectory { base in
            try await withServer(ScriptedCore(), base: base) { directory in
                let client = ControlClient(directory: directory)
                let options = CallOptions(
                    route: .pool("q"),
                    timeout: .milliseconds(1_500),
                    isIdempotent: true,
                    session: "s",
                    lm: ["model": "m"],
                    codec: .messagePack
                )
                let routed = try await client.ask(
                    .call(Call("route", ["a": 1], options: options)),
                    timeout: nil
                )
                #expect(routed["value"] == #"pool("q")"#)
                #expect(routed["source"] == ["kind": "native"])
                let failure = try await #require(throws: ControlFailure.self) {
                    _ = try await client.ask(.call(Call("raise")), timeout: nil)
                }
                let expected = await #expect(throws: CallError.self) {
                    _ = try await ScriptedCore().call(Call("raise"))
                }
                #expect(failure.callError == expected)
            }
        }
    }

    @Test func `every request reads back as it was written`() throws {
        let call = Call(
            "predict",
            ["a": [1, "b", nil]],
            options: CallOptions(
                route: .native,
                timeout: .seconds(2),
                isIdempotent: true,
                session: "s",
                lm: ["model": "m"],
                codec: .json
            )
        )
        let requests: [ControlRequest] = [
            .ping, .status, .stop(now: true), .stop(now: false), .explain(operation: "x"),
            .call(call), .call(Call("echo")), .stream(call), .cancel(["a", 1]),
            .steer(SteeringRequest(pool: "p", change: .resize(3))),
            .steer(SteeringRequest(pool: "p", change: .drain(within: nil), waiting: false)),
            .steer(SteeringRequest(pool: "p", change: .drain(within: .seconds(2)))),
            .steer(SteeringRequest(pool: "p", change: .resume)),
            .steer(SteeringRequest(pool: "p", change: .recycle)),
        ]
        for request in requests {
            let line = try request.line(id: 5)
            let value = try readJSON(line)
            #expect(value["id"] == 5)
            #expect(try ControlRequest(value).line(id: 5) == line)
        }
        guard
            case .call(let read) = try ControlRequest(
                readJSON(ControlRequest.call(call).line(id: 1))
            )
        else {
            Issue.record("not a call")
            return
        }
        #expect(read.options == call.options)
        #expect(read.arguments == call.arguments)
    }

    @Test func `a daemon that does not answer is given up after the timeout`() async throws {
        try await withTemporaryDirectory { base in
            let directory = try RunDirectory(name: "deaf", chosen: base, environment: [:])
            let claimed = try ClaimedRunDirectory(directory)
            let listener = try UnixSocket.listen(at: directory.controlSocket, backlog: 1)
            let error = try await #require(throws: ControlClientError.self) {
                _ = try await ControlClient(directory: directory)
                    .ask(.status, timeout: .milliseconds(20))
            }
            #expect(error == .noAnswer(name: "deaf", after: .milliseconds(20)))
            #expect(error.description.contains("did not answer within 20ms"))
            _ = listener.number
            try claimed.remove()
        }
    }

    @Test func `cancelling a question hangs up`() async throws {
        try await withTemporaryDirectory { base in
            let core = ScriptedCore()
            try await withServer(core, base: base) { directory in
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        let client = ControlClient(directory: directory)
                        _ = try await client.ask(.call(Call("hang")), timeout: nil)
                    }
                    #expect(await eventually { await core.underWay == 1 })
                    group.cancelAll()
                }
                #expect(await eventually { await core.cancelled == 1 })
            }
        }
    }

    @Test func `what is no daemon is told from one that is not there`() async throws {
        try await withTemporaryDirectory { base in
            let directory = try RunDirectory(name: "d", chosen: base, environment: [:])
            let client = ControlClient(directory: directory)
            await #expect(throws: ControlClientError.notRunning(name: "d", others: [], log: nil)) {
                _ = try await client.ping(timeout: .seconds(50))
            }
            let claimed = try ClaimedRunDirectory(directory)
            let listener = try UnixSocket.listen(at: directory.controlSocket, backlog: 1)
            listener.makeNonBlocking()
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: ControlClientError.notKrait(directory.controlSocket)) {
                        _ = try await client.ping(timeout: .seconds(50))
                    }
                }
                _ = await eventually {
                    guard let peer = try? UnixSocket.accept(listener) else { return false }
                    // The question is read first, else the client would meet a closed door.
                    _ = fcntl(peer.number, F_SETFL, 0)
                    _ = try? peer.read(upTo: 1_000)
                    try? peer.writeAll(Array("HTTP/1.1 400\n".utf8))
                    return true
                }
            }
            try claimed.remove()
        }
    }
}
