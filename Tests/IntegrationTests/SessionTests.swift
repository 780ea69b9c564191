import Glibc
import Krait
import KraitTestSupport
import Testing

/// Sessions of a real worker with real DSPy, and what is left of them when it dies.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SessionTests {
    private static let spec: Value = [
        "programs": [
            "answer": [
                "module": "ChainOfThought",
                "signature": "question, past: dspy.History -> reply",
            ]
        ]
    ]

    private func ask(
        _ krait: Orchestrator,
        _ operation: String,
        _ arguments: ValueMap = [:],
        in session: String = "s"
    ) async throws(CallError) -> Value {
        // Asked again where the worker dies of something else: of what was killed here.
        let options = CallOptions(isIdempotent: true, session: session)
        return try await krait.call(Call("session_\(operation)", arguments, options: options)).value
    }

    @Test func `a session goes on in another worker from its checkpoint`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                let begun = try await ask(krait, "begin", ["spec": Self.spec])
                #expect(begun["programs"] == ["answer"])
                let question: ValueMap = [
                    "program": "answer", "inputs": ["question": "What do snakes smell with?"],
                ]
                let first = try await ask(krait, "run", question)
                #expect(first["version"] == 1)
                let saved = try await ask(krait, "checkpoint")
                #expect(saved["missing"] == [])
                // As it would be kept anywhere.
                let kept = try Value(json: saved.json())
                let status = await krait.status()
                let process = try #require(status.pools.first?.workers.first?.processID)
                kill(process, SIGKILL)
                let isReplaced = await eventually(within: .seconds(60)) {
                    let workers = await krait.status().pools.first?.workers ?? []
                    return workers.contains { $0.processID != process && $0.state == "ready" }
                }
                #expect(isReplaced)
                let error = await #expect(throws: CallError.self) {
                    try await ask(krait, "run", question)
                }
                #expect(error?.code == .invalidInput)
                #expect(error?.fault?.message.contains("session_begin makes it") == true)
                let again = try await ask(
                    krait,
                    "begin",
                    ["spec": Self.spec, "checkpoint": kept]
                )
                #expect(again["version"] == 1)
                let second = try await ask(krait, "run", question)
                #expect(second["version"] == 2)
                let turns = try await ask(krait, "checkpoint")["history"]?.list ?? []
                #expect(turns.count == 2)
                #expect(turns.first?["outputs"] == first["outputs"])
            }
        }
    }

    @Test func `sessions at once do not see each other`() async throws {
        try await OfflineLM.running { lm in
            try await TestPools.running(TestPools.dspy(lm.adapter)) { krait in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            let name = "s\(number)"
                            _ = try await ask(krait, "begin", ["spec": Self.spec], in: name)
                            for _ in 0...number % 3 {
                                let inputs: Value = ["question": .string("Who is \(name)?")]
                                _ = try await ask(
                                    krait,
                                    "run",
                                    ["program": "answer", "inputs": inputs],
                                    in: name
                                )
                            }
                            let saved = try await ask(krait, "checkpoint", in: name)
                            #expect(saved["version"]?.int == number % 3 + 1)
                            let asked = saved["history"]?.list?.compactMap {
                                $0["inputs"]?["question"]?.string
                            }
                            #expect(Set(asked ?? []) == ["Who is \(name)?"])
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }
}
