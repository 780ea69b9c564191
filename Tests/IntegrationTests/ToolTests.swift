import Krait
import KraitObservability
import KraitTestSupport
import Testing

/// Tools of the host, called by real workers.
@Suite(.timeLimit(.minutes(2))) struct ToolTests {
    struct Query: Codable, Sendable {
        var text: String
        var limit: Int?
    }

    static let search = Tool("search", "Finds pages.") { (query: Query) in
        Array(repeating: query.text, count: query.limit ?? 1)
    }
    static let shout = Tool("shout", "Shouts.", parameter: "text") { (text: String) in
        text.uppercased()
    }

    private func use(
        _ tool: String,
        _ arguments: ValueMap,
        times: Int = 1,
        atOnce: Int = 1
    ) -> ValueMap {
        [
            "name": .string(tool), "arguments": .map(arguments), "times": .int(Int64(times)),
            "at_once": .int(Int64(atOnce)),
        ]
    }

    @Test(arguments: ["use_tool", "ause_tool"], Codec.allCases)
    func `tools are called and answer`(operation: String, codec: Codec) async throws {
        try await TestPools.running(TestPools.echo { $0.codec = codec }) { krait in
            let tools = [Self.search, Self.shout]
            let found = try await krait.call(
                operation,
                use("search", ["text": "krait", "limit": 2]),
                tools: tools
            )
            #expect(found.value["value"] == ["krait", "krait"])
            let once = try await krait.call(
                operation,
                use("search", ["text": "krait"]),
                tools: tools
            )
            #expect(once.value["value"] == ["krait"])
            let shouted = try await krait.call(
                operation,
                use("shout", ["text": "hi"]),
                tools: tools
            )
            #expect(shouted.value["value"] == "HI")
        }
    }

    @Test func `the schema is that of the Swift type`() throws {
        let parameters = try Self.search.parameters
        #expect(parameters["type"] == "object")
        #expect(parameters["properties"]?["text"]?["type"] == "string")
        #expect(parameters["required"] == ["text"])
        #expect(try Self.shout.parameters["required"] == ["text"])
        let none = Tool("now", "Says when.") { 1 }
        #expect(try none.parameters["required"] == [])
    }

    @Test(
        arguments: [
            ("nothing", ["text": "x"], "unknown_tool", "search"),
            ("search", [:], "invalid_arguments", "text"),
            ("search", ["text": 1], "invalid_arguments", "text"),
            ("search", ["text": "x", "limits": 1], "invalid_arguments", "limits"),
            ("fails", [:], "Broken", "no luck"),
        ] as [(String, ValueMap, String, String)]
    )
    func `what is wrong with a tool call is said to the worker`(
        tool: String,
        arguments: ValueMap,
        type: String,
        text: String
    ) async throws {
        let fails = Tool("fails", "Fails.") { () async throws -> Int in throw Broken() }
        try await TestPools.running(TestPools.echo()) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("use_tool", use(tool, arguments), tools: [Self.search, fails])
            }
            #expect(error?.code == .faulted)
            #expect(error?.fault?.type == "krait_worker.faults.ToolFailed")
            #expect(error?.fault?.message.hasPrefix(type) == true)
            #expect(error?.fault?.message.contains(text) == true)
        }
    }

    struct Broken: Error, CustomStringConvertible {
        var description: String { "no luck" }
    }

    @Test(arguments: ["use_tool", "ause_tool"])
    func `many tools run at once`(operation: String) async throws {
        let most = Lock((now: 0, most: 0))
        let slow = Tool("slow", "Takes its time.") { () async throws -> Int in
            most.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            _ = await eventually { most.withLock { $0.most >= 20 } }
            return most.withLock {
                $0.now -= 1
                return $0.most
            }
        }
        try await TestPools.running(TestPools.echo()) { krait in
            let arguments = use("slow", [:], times: 100, atOnce: 80)
            let reply = try await krait.call(operation, arguments, tools: [slow])
            #expect(reply.value["nanoseconds"]?.list?.count == 100)
            #expect((20...64).contains(most.withLock { $0.most }))
        }
    }

    @Test(arguments: ["use_tool", "ause_tool"])
    func `a tool that calls into its own pool of one slot is served`(
        operation: String
    ) async throws {
        try await TestPools.running(TestPools.echo(slots: 1)) { krait in
            let nested = Tool("nested", "Calls the same pool.") { () async throws -> Int in
                try await krait.call("sleep", ["seconds": 0]).value.int ?? -1
            }
            // Twice as deep: a tool whose call has a tool that calls.
            let deep = Tool("deep", "Calls a tool of the same pool.") { () async throws -> Bool in
                let arguments = use("nested", [:], times: 4, atOnce: 4)
                let reply = try await krait.call(operation, arguments, tools: [nested])
                return reply.value["nanoseconds"]?.list?.count == 4
            }
            try await withThrowingTaskGroup(of: Value?.self) { group in
                // Others wait for the one slot meanwhile, and do not get the one that is lent.
                for _ in 0..<3 {
                    group.addTask {
                        let arguments = use("deep", [:], times: 3, atOnce: 3)
                        return try await krait.call(operation, arguments, tools: [deep])
                            .value["value"]
                    }
                }
                for try await value in group { #expect(value == true) }
            }
        }
    }

    @Test func `tools that call each other without end are refused`() async throws {
        try await TestPools.running(TestPools.echo(slots: 1)) { krait in
            let endless = Endless(krait: krait)
            let error = await failure { () throws(CallError) in try await endless.call() }
            #expect(error?.code == .faulted)
            #expect(endless.refusal.withLock { $0 }?.code == .invalidInput)
            #expect(endless.refusal.withLock { $0 }?.message.contains("8 deep") == true)
        }
    }

    struct Endless: Sendable {
        let krait: Orchestrator
        /// The innermost error.
        let refusal = Lock<CallError?>(nil)

        func call() async throws(CallError) -> Reply {
            let again = Tool("again", "Calls itself.") { () async throws -> Int in
                do {
                    return try await call().value.int ?? 0
                } catch let error as CallError {
                    refusal.withLock { $0 = $0 ?? error }
                    throw error
                }
            }
            let arguments: ValueMap = ["name": "again", "arguments": [:]]
            return try await krait.call("use_tool", arguments, tools: [again])
        }
    }

    @Test(arguments: ["deadline", "cancel"])
    func `a tool ends with its call`(by way: String) async throws {
        let (begun, ended) = (Lock(false), Lock(false))
        let hang = Tool("hang", "Hangs.") { () async throws -> Int in
            begun.withLock { $0 = true }
            defer { ended.withLock { $0 = true } }
            // Ends with the task's cancellation alone.
            for await _ in AsyncStream<Int>.makeStream().stream {}
            throw CancellationError()
        }
        try await TestPools.running(TestPools.echo(slots: 1)) { krait in
            try await krait.ready()
            let error = await withTaskGroup(of: CallError?.self) { group in
                group.addTask {
                    await failure { () throws(CallError) in
                        let timeout = Duration.milliseconds(way == "deadline" ? 200 : 20_000)
                        return try await krait.call(
                            "use_tool",
                            use("hang", [:]),
                            timeout: timeout,
                            tools: [hang]
                        )
                    }
                }
                #expect(await eventually { begun.withLock { $0 } })
                if way == "cancel" { group.cancelAll() }
                return await group.next() ?? nil
            }
            #expect(error?.code == (way == "cancel" ? .cancelled : .deadlineExceeded))
            #expect(ended.withLock { $0 })
            let found101 = try await krait.call("sleep", ["seconds": 0]).value
            #expect(found101 == 0)
        }
    }

    @Test func `a tool knows its call, and what it calls inherits the session`() async throws {
        let seen = Lock<ToolContext?>(nil)
        let look = Tool("look", "Looks around.") {
            seen.withLock { $0 = ToolContext.current }
            return 1
        }
        try await TestPools.running(TestPools.echo()) { krait in
            var call = Call("use_tool", use("look", [:]))
            call.options.session = "s1"
            _ = try await krait.call(call, tools: [look])
            let context = try #require(seen.withLock { $0 })
            #expect(context.tool == "look" && context.operation == "use_tool")
            #expect(context.session == "s1" && context.deadline != nil)
        }
    }

    @Test func `a stream may have tools`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let arguments = use("shout", ["text": "a"])
            let stream = krait.stream("use_tool", arguments, tools: [Self.shout])
            for try await _ in stream { Issue.record("no chunks are sent") }
            #expect(stream.reply?.value["value"] == "A")
        }
    }

    @Test func `tools of one name are refused before anything is sent`() async throws {
        try await TestPools.running(TestPools.echo()) { krait in
            let error = await failure { () throws(CallError) in
                try await krait.call("use_tool", tools: [Self.search, Self.search])
            }
            #expect(error?.code == .invalidInput && error?.delivery == .notSent)
        }
    }
}
