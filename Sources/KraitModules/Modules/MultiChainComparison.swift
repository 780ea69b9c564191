import KraitPrompts
import KraitSignatures
import KraitWire

extension Program {
    /// DSPy's `MultiChainComparison`: several attempts at an answer, and a reasoned choice.
    ///
    /// The run's inputs are those of the signature and `completions`: as many maps as `attempts`
    /// says, each with a `rationale` or `reasoning` and the signature's last output.
    public static func multiChainComparison(
        _ schema: Schema,
        attempts: Int = 3,
        temperature: Double = 0.7,
        config: ValueMap = [:]
    ) throws(SchemaError) -> Program {
        var comparing = schema
        for number in 0..<min(max(attempts, 0), ModuleLimits.attempts) {
            let attempt = Field(
                "reasoning_attempt_\(number + 1)",
                description: "${reasoning attempt}",
                prefix: "Student Attempt #\(number + 1):"
            )
            comparing = try comparing.appending(attempt, as: .input)
        }
        let rationale = Field(
            "rationale",
            description: "${corrected reasoning}",
            prefix: "Accurate Reasoning: Thank you everyone. Let's now holistically"
        )
        comparing = try comparing.prepending(rationale, as: .output)
        var settings: ValueMap = ["temperature": .double(temperature)]
        for (name, value) in config.entries { settings[name] = value }
        let last = schema.outputs.last?.name ?? ""
        return Program([("predict", predict(comparing, config: settings))]) {
            parts,
            inputs throws(PredictFailure) in
            let completions = inputs["completions"]?.list ?? []
            guard completions.count == attempts else {
                throw .refused(
                    "`completions` holds \(completions.count) attempts, and \(attempts) are "
                        + "compared."
                )
            }
            var given = ValueMap()
            for (number, completion) in completions.enumerated() {
                let attempt = try ComparedAttempt(completion, number: number, answer: last)
                given["reasoning_attempt_\(number + 1)"] = .string(attempt.text)
            }
            for (name, value) in inputs.entries where name != "completions" { given[name] = value }
            return try await parts.run("predict", given)
        }
    }
}

/// What DSPy says of one attempt.
private struct ComparedAttempt {
    let text: String

    init(_ completion: Value, number: Int, answer: String) throws(PredictFailure) {
        let place = "completions[\(number)]"
        guard let rationale = (completion["rationale"] ?? completion["reasoning"])?.string else {
            throw .refused("`\(place)` has no text `rationale` or `reasoning`.")
        }
        guard let value = completion[answer] else {
            throw .refused("`\(place)` has no `\(answer)`.")
        }
        let why = Self.firstLine(rationale)
        let what = Self.firstLine(PythonValue(value).text)
        text = "«I'm trying to \(why) I'm not sure but my prediction is \(what)»"
    }

    /// Python's `text.strip().split("\n")[0].strip()`.
    private static func firstLine(_ text: String) -> String {
        let line = text.stripped.unicodeScalars.prefix { $0 != "\n" }
        return String(String.UnicodeScalarView(line)).stripped
    }
}
