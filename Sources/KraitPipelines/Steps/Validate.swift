import KraitWire

/// Asks again, so many times, where an answer breaks a rule, and says what was wrong with it.
///
/// ```swift
/// Validate(repairs: 2, [
///     Rule("The reply has at most 200 characters.") { (triage: Triage.Output) in
///         triage.reply.count <= 200
///     }
/// ]) { ChainOfThought(Triage.self, on: "general") }
/// ```
///
/// Each repair runs the steps anew: the predictions among them find the rules that were broken
/// behind their instructions, and steps of one's own in `RunContext.feedback`. An answer that does
/// not fit its signature's types counts as broken too. After the last repair the run fails with
/// `invalid_output` and the rules. The path names the answer, from 1.
public struct Validate<Input: Sendable, Output: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Validate" }
    private let rules: [Rule<Output>]
    private let repairs: Int
    private let steps: Steps<Input, Output>

    /// A step whose output keeps the rules, or that fails after so many repairs.
    public init(
        repairs: Int,
        _ rules: [Rule<Output>],
        @PipelineBuilder _ steps: () -> Steps<Input, Output>
    ) {
        self.rules = rules
        self.repairs = max(0, repairs)
        self.steps = steps()
    }

    /// Runs the steps until an answer keeps the rules.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        var asked = context
        for number in 1... {
            let broken: [String]
            do throws(CallError) {
                let output = try await asked.run(steps, as: "answer \(number)", input)
                broken = rules.filter { !$0.holds(output) }.map(\.text)
                if broken.isEmpty { return output }
            } catch {
                guard error.code == .invalidOutput, number <= repairs else { throw error }
                broken = [error.message]
            }
            guard number <= repairs else { throw Self.failure(broken, after: number) }
            asked = context.asking(again: broken)
        }
        preconditionFailure("the numbers have no end")
    }

    private static func failure(_ broken: [String], after answers: Int) -> CallError {
        let count = answers == 1 ? "The answer breaks" : "The last of \(answers) answers breaks"
        let rules = broken.map { "“\($0)”" }.joined(separator: ", ")
        return CallError(.invalidOutput, "\(count) \(rules).", delivery: .sent)
    }

    /// The steps, which are the same for each answer.
    public var outline: StepOutline {
        StepOutline(
            .repeated,
            [.init("each answer", steps)],
            note: "rules: \(rules.count), repairs: at most \(repairs)"
        )
    }
}

/// What an answer has to keep, as a sentence that a model understands and a test that tells.
public struct Rule<Output: Sendable>: Sendable {
    /// The rule as the model is told it; it is in errors and logs too.
    public let text: String
    let holds: @Sendable (Output) -> Bool

    /// A rule with its test, whose parameter's type is written out.
    public init(_ text: String, _ holds: @escaping @Sendable (Output) -> Bool) {
        self.text = text
        self.holds = holds
    }
}
