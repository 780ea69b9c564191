import KraitPipelines
import KraitRouting
import KraitSignatures
import KraitWire
import Testing

private enum Urgency: String, Codable, CaseIterable { case low, high }

private struct Triage: Signature {
    static let instructions = "Sort a support message and draft a reply."
    struct Input: Codable, Sendable { var message: String }
    struct Output: Codable, Sendable, Equatable {
        var urgency: Urgency
        var reply: String
        var isUrgent: Bool { urgency == .high }
    }
    static let notes: FieldNotes = [\Output.reply: "At most three sentences."]
}

private struct Polish: Signature {
    struct Input: Codable, Sendable { var reply: String }
    struct Output: Codable, Sendable, Equatable { var reply: String }
}

/// A signature whose notes describe nothing, so that it has no schema.
private struct Broken: Signature {
    struct Input: Codable, Sendable { var question: String }
    struct Output: Codable, Sendable { var answer: String }
    static let notes: FieldNotes = [\Triage.Output.reply: "of another"]
}

/// The pool of these tests: answers a triage by the message, and records what it was asked.
private struct Desk: Backend {
    let calls: AsyncStream<Call>.Continuation
    var outputs: @Sendable (ValueMap) -> Value = { inputs in
        let isUrgent = inputs["message"]?.string?.contains("broke") == true
        return [
            "reasoning": "because",
            "urgency": isUrgent ? "high" : "low",
            "reply": "WE ARE ON IT",
        ]
    }

    func call(_ call: Call) async throws(CallError) -> Reply {
        calls.yield(call)
        let inputs = call.arguments["inputs"]?.map ?? [:]
        return Reply(
            ["outputs": outputs(inputs)],
            from: .pool("general", worker: "general/1.1", codec: .messagePack)
        )
    }
}

/// DESIGN §8, word for word but for the pool's name.
private let support = Pipeline("support") {
    ChainOfThought(Triage.self, on: "general")
    When(\Triage.Output.isUrgent) {
        Transform { (t: Triage.Output) in Polish.Output(reply: t.reply) }
    } otherwise: {
        Transform { (t: Triage.Output) in Polish.Input(reply: t.reply) }
        Predict(Polish.self)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct PredictTests {
    private let calls: AsyncStream<Call>
    private let continuation: AsyncStream<Call>.Continuation

    init() { (calls, continuation) = AsyncStream.makeStream() }

    private func router(_ outputs: (@Sendable (ValueMap) -> Value)? = nil) throws -> Router {
        var desk = Desk(calls: continuation)
        if let outputs { desk.outputs = outputs }
        return Router(
            registry: try Registry(
                natives: [Registry.Native(Polish.self) { .init(reply: $0.reply.lowercased()) }],
                pools: [
                    Registry.Pool(
                        "general",
                        operations: ["predict", "chain_of_thought"],
                        backend: desk
                    )
                ]
            )
        )
    }

    private func asked() async -> [Call] {
        continuation.finish()
        var asked: [Call] = []
        for await call in calls { asked.append(call) }
        return asked
    }

    @Test func `the support pipeline takes both of its ways`() async throws {
        let router = try router()
        try support.validate(through: router)
        let urgent = try await support.run(.init(message: "It broke."), through: router)
        #expect(urgent == Polish.Output(reply: "WE ARE ON IT"))
        let trace = Trace()
        let calm = try await support.run(.init(message: "Hello."), through: router, trace: trace)
        #expect(calm == Polish.Output(reply: "we are on it"))
        let steps = await trace.steps
        #expect(
            steps.map { "\($0.path.joined(separator: "/")): \($0.route)" } == [
                "support: native",
                "support/1 ChainOfThought(Triage): pool general",
                "support/2 When: native",
                "support/2 When/otherwise/1 Transform: native",
                "support/2 When/otherwise/2 Predict(Polish): native",
            ]
        )
        #expect(steps.last?.calls.first?.decision?.reason == .forced)
    }

    @Test func `a pool is asked for the operation with signature and inputs`() async throws {
        let router = try router()
        let options = CallOptions(timeout: .seconds(5), session: "s")
        let pipeline = Pipeline("triage") { Predict(Triage.self, on: "general") }
        let output = try await pipeline.run(
            .init(message: "It broke."),
            through: router,
            options: options
        )
        #expect(output == Triage.Output(urgency: .high, reply: "WE ARE ON IT"))
        let call = try #require(await asked().first)
        #expect(call.operation == "predict")
        #expect(call.arguments["inputs"] == ["message": "It broke."])
        #expect(call.arguments["signature"] == (try Schema(of: Triage.self)).wireValue)
        #expect(call.options.route == .pool("general"))
        // What is left of the run's time.
        #expect((call.options.timeout ?? .zero) <= .seconds(5))
        #expect((call.options.timeout ?? .zero) > .zero)
        #expect(call.options.session == "s")
    }

    @Test func `a chain of thought gives its reasoning where it is asked to`() async throws {
        let pipeline = Pipeline("why") { ChainOfThought(Triage.self).withReasoning }
        let reasoned = try await pipeline.run(.init(message: "It broke."), through: router())
        #expect(reasoned.reasoning == "because")
        #expect(reasoned.output.isUrgent)
        #expect(await asked().first?.operation == "chain_of_thought")
    }

    @Test func `a signature in text goes from map to map`() async throws {
        let router = try router { inputs in
            ["answer": .string("\(inputs["question"]?.string ?? "")!"), "reasoning": "r"]
        }
        let pipeline = Pipeline("ask") {
            Predict("question, context: list[str] -> answer", on: "general")
            Transform { (map: ValueMap) in ["question": map["answer"] ?? nil] as ValueMap }
            ChainOfThought("question -> answer", instructions: "Be brief.")
        }
        try pipeline.validate(through: router)
        let inputs: ValueMap = ["question": "Why", "context": ["a", "b"]]
        let outputs = try await pipeline.run(inputs, through: router)
        #expect(outputs == ["answer": "Why!!", "reasoning": "r"])
        let asked = await asked()
        #expect(asked.map(\.operation) == ["predict", "chain_of_thought"])
        #expect(asked[0].arguments["signature"] == "question, context: list[str] -> answer")
        #expect(asked[0].arguments["inputs"] == .map(inputs))
        #expect(asked[1].arguments["signature"]?["instructions"] == "Be brief.")
    }

    @Test(
        arguments: [
            (["question": "q"], "context"), (["question": "q", "context": "text"], "context"),
            (["question": "q", "context": [], "contxt": []], "contxt"),
        ] as [(ValueMap, String)]
    )
    func `inputs that do not fit are refused before anything is sent`(
        _ inputs: ValueMap,
        _ field: String
    ) async throws {
        let pipeline = Pipeline("ask") { Predict("question, context: list[str] -> answer") }
        let router = try router()
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(inputs, through: router)
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.delivery == .notSent)
        #expect(error?.path == ["ask", "1 Predict(question, context -> answer)"])
        #expect(error?.message.contains("\(field): ") == true, "\(error as Any)")
        #expect(await asked().isEmpty)
    }

    @Test func `a signature that does not parse is found by validating and by running`()
        async throws
    {
        let pipeline = Pipeline("ask") { Predict("question: lst[str] -> answer") }
        let router = try router()
        let error = #expect(throws: CallError.self) { try pipeline.validate(through: router) }
        #expect(error?.code == .invalidInput)
        #expect(error?.path == ["ask", "1 Predict(question: lst[str] -> answer)"])
        #expect(error?.message.contains("line 1, column 11") == true, "\(error as Any)")
        let mistake = try #require(error)
        await #expect(throws: mistake) { try await pipeline.run([:], through: router) }
        let typed = Pipeline("typed") { Predict(Broken.self) }
        let broken = #expect(throws: CallError.self) { try typed.validate(through: router) }
        #expect(broken?.code == .invalidInput)
        await #expect(throws: CallError.self) {
            try await typed.run(.init(question: "q"), through: router)
        }
    }

    /// DSPy wants every name once; DESIGN §8 has a native signature that does not keep to it.
    @Test func `a name on both sides is for native code alone`() async throws {
        let router = try router()
        let natively = Pipeline("natively") { Predict(Polish.self) }
        let output = try await natively.run(.init(reply: "LOUD"), through: router)
        #expect(output == Polish.Output(reply: "loud"))
        let pooled = Pipeline("pooled") { Predict(Polish.self, on: "general") }
        let error = #expect(throws: CallError.self) { try pooled.validate(through: router) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("rename one of them") == true)
        let nowhere = Pipeline("nowhere") { ChainOfThought(Polish.self) }
        let missing = #expect(throws: CallError.self) { try nowhere.validate(through: router) }
        #expect(missing?.code == .unknownOperation)
        #expect(missing?.message.hasPrefix("No native implementation of chain_of_th") == true)
    }

    @Test func `a signature that only Python can read is left to it`() async throws {
        let rule = #expect(throws: SchemaError.self) { try Schema(parsing: "a: b): pass -> c") }
        try #require(rule?.rule != nil, "this text was left to Python")
        let pipeline = Pipeline("ask") {
            Predict("question: mypackage.Thing -> answer")
            Transform { (_: ValueMap) in ["a": 1] as ValueMap }
            Predict("a: b): pass -> c", instructions: "i")
        }
        let router = try router { _ in ["answer": "x"] }
        try pipeline.validate(through: router)
        _ = try await pipeline.run(["question": ["any": 1]], through: router)
        let asked = await asked()
        #expect(asked.count == 2)
        #expect(asked[1].arguments["signature"]?["text"] == "a: b): pass -> c")
        #expect(asked[1].arguments["signature"]?["instructions"] == "i")
    }

    @Test(
        arguments: [
            (["urgency": "medium", "reply": "x"], "urgency"), (["urgency": "low"], "reply"),
            (["urgency": "low", "reply": 1], "reply"), (.null, "no map `outputs`; it is a map"),
        ] as [(Value, String)]
    )
    func `a reply that does not fit is an invalid output with its field`(
        _ outputs: Value,
        _ message: String
    ) async throws {
        let pipeline = Pipeline("triage") { Predict(Triage.self) }
        let router = try router { _ in outputs }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(.init(message: "secret"), through: router)
        }
        #expect(error?.code == .invalidOutput)
        #expect(error?.delivery == .sent)
        #expect(error?.pool == "general")
        #expect(error?.worker == "general/1.1")
        #expect(error?.message.contains(message) == true, "\(error as Any)")
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `an unknown pool is found by validating`() throws {
        let pipeline = Pipeline("triage") { ChainOfThought(Triage.self, on: "genral") }
        let router = try router()
        let error = #expect(throws: CallError.self) { try pipeline.validate(through: router) }
        #expect(error?.code == .unknownPool)
        #expect(error?.path == ["triage", "1 ChainOfThought(Triage)"])
        #expect(error?.message.contains("did you mean general?") == true)
    }

    @Test func `an output can be encoded with its reasoning`() throws {
        let reasoned = Reasoned(reasoning: "r", output: Polish.Output(reply: "x"))
        let value = try ValueEncoder().encode(reasoned)
        #expect(value == ["reasoning": "r", "output": ["reply": "x"]])
        #expect(try ValueDecoder().decode(from: value) == reasoned)
    }

    @Test func `a template over a type finds a misspelled name without a value`() throws {
        let pipeline = Pipeline("print") { Template("{{ urgenci }}", of: Triage.Output.self) }
        let error = #expect(throws: CallError.self) {
            try pipeline.validate(through: Script.silent)
        }
        #expect(error?.message.contains("did you mean urgency?") == true, "\(error as Any)")
        let good = Pipeline("print") { Template("{{ urgency }}", of: Triage.Output.self) }
        try good.validate(through: Script.silent)
    }
}
