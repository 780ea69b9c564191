import Krait

func answer(_ question: String) async throws -> String {
    // Written by `program.save("optimized.json")` in Python, after an optimizer.
    let saved = try SavedProgram(contentsOf: "optimized.json")
    let program = try Program.chainOfThought("question -> answer").loading(saved) { print($0) }
    let best = program.bestOf(3, threshold: 1) { _, outputs in
        outputs["answer"]?.string?.isEmpty == false ? 1 : 0
    }
    let output = try await best(
        ["question": .string(question)],
        with: LM("openai/gpt-4o-mini")
    )
    return output["answer"]?.string ?? ""
}
