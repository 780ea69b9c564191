import KraitPipelines
import KraitRouting
import KraitSignatures
import KraitWire
import Testing

private struct Polish: Signature {
    static let instructions = "Polish the reply."
    struct Input: Codable, Sendable { var reply: String }
    struct Output: Codable, Sendable, Equatable { var polished: String }
}

@Suite(.timeLimit(.minutes(1)))
struct ValidateTests {
    private let pipeline = Pipeline("polish") {
        Validate(
            repairs: 2,
            [
                Rule("It has at most five letters.") { (output: Polish.Output) in
                    output.polished.count <= 5
                }
            ]
        ) { Predict(Polish.self) }
    }

    @Test func `a broken rule is told to the model, which is asked again`() async throws {
        let asked = Calls()
        let script = Script { call throws(CallError) in
            let number = asked.add(call)
            let polished: Value = number == 1 ? "too long" : "short"
            return Reply(["outputs": ["polished": polished]], from: .native)
        }
        let output = try await pipeline.run(.init(reply: "x"), through: script)
        #expect(output == Polish.Output(polished: "short"))
        let instructions = asked.all.map { $0.arguments["signature"]?["instructions"]?.string }
        #expect(instructions[0] == "Polish the reply.")
        #expect(
            instructions[1] == """
                Polish the reply.

                An earlier answer was refused. Answer anew, and keep to this:
                - It has at most five letters.
                """
        )
    }

    @Test func `an answer of the wrong type is repaired too`() async throws {
        let asked = Calls()
        let mistaken = Script { call throws(CallError) in
            let number = asked.add(call)
            let polished: Value = number == 1 ? 7 : "fine"
            return Reply(["outputs": ["polished": polished]], from: .native)
        }
        #expect(try await pipeline.run(.init(reply: "x"), through: mistaken).polished == "fine")
        let told = asked.all[1].arguments["signature"]?["instructions"]?.string
        #expect(told?.contains("polished") == true)
    }

    @Test func `the repairs have an end, and the error names the rule`() async throws {
        let asked = Calls()
        let script = Script { call throws(CallError) in
            _ = asked.add(call)
            return Reply(["outputs": ["polished": "much too long"]], from: .native)
        }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(.init(reply: "x"), through: script)
        }
        #expect(asked.all.count == 3)
        #expect(error?.code == .invalidOutput)
        #expect(error?.path == ["polish", "1 Validate"])
        #expect(
            error?.message
                == "The last of 3 answers breaks “It has at most five letters.”."
        )
    }

    @Test func `an error that is no answer is not repaired`() async throws {
        let asked = Calls()
        let script = Script { call throws(CallError) in
            _ = asked.add(call)
            throw CallError(.queueFull, "full")
        }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(.init(reply: "x"), through: script)
        }
        #expect(error?.code == .queueFull)
        #expect(error?.path == ["polish", "1 Validate", "answer 1", "1 Predict(Polish)"])
        #expect(asked.all.count == 1)
    }
}
