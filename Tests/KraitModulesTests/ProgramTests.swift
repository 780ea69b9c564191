import KraitLM
import KraitObservability
import KraitSignatures
import KraitWire
import Testing

@testable import KraitModules

@Suite(.timeLimit(.minutes(1))) struct ProgramTests {
    static func answer(_ text: String) -> String {
        "[[ ## answer ## ]]\n\(text)\n\n[[ ## completed ## ]]"
    }

    static func run(
        _ program: Program,
        _ model: ScriptedModel,
        _ inputs: ValueMap = ["question": "Why?"]
    ) async throws(CallError) -> ProgramOutput {
        try await program.run(inputs, with: ModuleModel(model, named: "m", structure: .prompt))
    }

    @Test func `predictors have the names that DSPy gives them`() throws {
        let schema = try Schema(parsing: "question -> answer")
        let parts: KeyValuePairs = [
            "hops[0]": try Program.chainOfThought(schema), "answer": Program.predict(schema),
            "agent": try Program.react(schema, tools: []),
        ]
        let program = Program(parts) { _, _ in [:] }
        #expect(Program.predict(schema).predictors.map(\.name) == ["self"])
        #expect(
            program.predictors.map(\.name)
                == ["hops[0].predict", "answer", "agent.react", "agent.extract.predict"]
        )
        let best = program.bestOf(2, threshold: 1) { _, _ in 1 }
        #expect(best.predictors.first?.name == "module.hops[0].predict")
    }

    @Test func `a run tells what all its questions took`() async throws {
        let one = try Program.predict("question -> answer")
        let program = Program(["a": one, "b": one]) { parts, inputs in
            _ = try await parts("a", inputs)
            return try await parts("b", inputs)
        }
        let output = try await Self.run(program, ScriptedModel(Self.answer("x"), Self.answer("y")))
        #expect(output["answer"] == "y")
        #expect(output.usage["m"]?.totalTokens == 14)
    }

    @Test func `a part that there is not, and what the program throws, are its errors`()
        async throws
    {
        let model = ScriptedModel()
        let missing = Program([:]) { parts, inputs in try await parts("none", inputs) }
        let error = await #expect(throws: CallError.self) { try await Self.run(missing, model) }
        #expect(error?.code == .invalidInput)
        struct Own: Error {}
        let throwing = Program([:]) { _, _ in throw Own() }
        let own = await #expect(throws: CallError.self) { try await Self.run(throwing, model) }
        #expect(own?.code == .faulted)
    }

    @Test func `the best of the attempts is taken, each asked for anew at a temperature of 1`()
        async throws
    {
        let model = ScriptedModel(Self.answer("a"), Self.answer("ccc"), Self.answer("bb"))
        let program = try Program.predict("question -> answer")
            .bestOf(3, threshold: 9) { _, made in Double(made["answer"]?.string?.utf8.count ?? 0) }
        let output = try await Self.run(program, model)
        #expect(output["answer"] == "ccc")
        #expect(model.asked.map(\.rolloutID) == [0, 1, 2])
        #expect(model.asked.allSatisfy { $0.parameters.temperature == 1 })
    }

    @Test func `an attempt that suffices is the last`() async throws {
        let model = ScriptedModel(Self.answer("a"), Self.answer("b"))
        let program = try Program.predict("question -> answer").bestOf(3, threshold: 1) { _, _ in 1
        }
        #expect(try await Self.run(program, model)["answer"] == "a")
        #expect(model.asked.count == 1)
    }

    @Test func `attempts may fail as often as DSPy lets them`() async throws {
        let failure = LMError(.server, "down")
        let model = ScriptedModel([], failure: failure)
        let program = try Program.predict("question -> answer").bestOf(5, threshold: 1) { _, _ in 1
        }
        let error = await #expect(throws: CallError.self) { try await Self.run(program, model) }
        #expect(error?.code == .faulted)
        // As DSPy counts: the fourth is one too many of five.
        #expect(model.asked.count == 4)
    }

    @Test func `what only Python can make ends the attempts`() async throws {
        let model = ScriptedModel()
        let program = try Program.predict("question -> answer: set[str]")
            .bestOf(3, threshold: 1) { _, _ in 1 }
        let error = await #expect(throws: CallError.self) { try await Self.run(program, model) }
        #expect(error?.code == .delegated && model.asked.isEmpty)
    }

    @Test func `attempts that are not as many as are compared are refused`() async throws {
        let program = try Program.multiChainComparison(Schema(parsing: "question -> answer"))
        let attempt: Value = ["reasoning": "r", "answer": "a"]
        for completions: Value in [[attempt], [attempt, attempt, ["answer": "a"]], .null] {
            let inputs: ValueMap = ["question": "Why?", "completions": completions]
            let model = ScriptedModel()
            let error = await #expect(throws: CallError.self) {
                try await Self.run(program, model, inputs)
            }
            #expect(error?.code == .invalidInput && model.asked.isEmpty)
        }
    }

    @Test func `runs go side by side, and their results stay in order`() async throws {
        let model = ScriptedModel((0..<20).map { [Self.answer("\($0)")] })
        let program = try Program.predict("question -> answer")
        let inputs = (0..<20).map { ["question": .string("\($0)")] as ValueMap }
        let results = await program.parallel(
            inputs,
            width: 1,
            with: ModuleModel(model, named: "m", structure: .prompt)
        )
        #expect(results.count == 20)
        for (number, result) in results.enumerated() {
            #expect(try result.get()["answer"] == .string("\(number)"))
        }
    }

    @Test func `too many errors end a parallel run`() async throws {
        let model = ScriptedModel([], failure: LMError(.server, "down"))
        let results = await (try Program.predict("question -> answer")).parallel(
            Array(repeating: ["question": "Why?"], count: 50),
            width: 4,
            with: ModuleModel(model, named: "m", structure: .prompt),
            mostErrors: 3
        )
        #expect(results.count == 50 && model.asked.count < 12)
    }

    @Test func `the nearest examples are a program's demos`() async throws {
        let examples = (0..<5).map {
            ["question": .string("\($0)"), "answer": .string("a\($0)")] as ValueMap
        }
        let seen = Lock<[String]>([])
        let nearest = try await NearestDemos(2, among: examples, inputs: ["question"]) { texts in
            seen.withLock { $0 += texts }
            return texts.map { text in
                let number = Float(text.last?.wholeNumberValue ?? 0)
                return [number, 1]
            }
        }
        let found = try await nearest(["question": "9"])
        #expect(found.map { $0["answer"] } == ["a4", "a3"])
        #expect(seen.withLock { $0.first == "question: 0" && $0.last == "question: 9" })
        let model = ScriptedModel(Self.answer("x"))
        let program = try Program.predict("question -> answer").with(nearest: nearest)
        _ = try await Self.run(program, model)
        #expect(model.asked.first?.messages.count == 6)
    }

    @Test func `vectors that do not fit are an error`() async throws {
        let examples: [ValueMap] = [["question": "a"], ["question": "b"]]
        for vectors: [[Float]] in [[], [[1]], [[1], [1, 2]]] {
            let error = await #expect(throws: CallError.self) {
                _ = try await NearestDemos(1, among: examples, inputs: ["question"]) { _ in vectors
                }
            }
            #expect(error?.code == .invalidOutput)
        }
    }
}
