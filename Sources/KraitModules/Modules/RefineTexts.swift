import KraitPrompts
import KraitSignatures
import KraitWire

extension Adviser {
    /// DSPy's `OfferFeedback` (dspy/predict/refine.py of 3.4.1), to the letter.
    static func signature() throws(SchemaError) -> Schema {
        var schema = try Schema(
            parsing: """
                program_code, modules_defn, program_inputs, program_trajectory, program_outputs, \
                reward_code, target_threshold: float, reward_value: float, \
                module_names: list[str] -> discussion, advice: dict[str, str]
                """,
            instructions: instructions
        )
        for (name, text) in descriptions {
            schema = try schema.updating(name) { $0.description = text }
        }
        return schema
    }

    private static let instructions = """
        In the discussion, assign blame to each module that contributed to the final reward being \
        below the threshold, if
        any. Then, prescribe concrete advice of how the module should act on its future input when \
        we retry the process, if
        it were to receive the same or similar inputs. If a module is not to blame, the advice \
        should be N/A.
        The module will not see its own history, so it needs to rely on entirely concrete and \
        actionable advice from you
        to avoid the same mistake on the same or similar inputs.
        """

    private static let descriptions: [(String, String)] = [
        ("program_code", "The code of the program that we are analyzing"),
        ("modules_defn", "The definition of each module in the program, including its I/O"),
        ("program_inputs", "The inputs to the program that we are analyzing"),
        (
            "program_trajectory",
            "The trajectory of the program's execution, showing each module's I/O"
        ),
        ("program_outputs", "The outputs of the program that we are analyzing"),
        ("reward_code", "The code of the reward function that we are analyzing"),
        ("target_threshold", "The target threshold for the reward function"),
        ("reward_value", "The reward value assigned to the program's outputs"),
        ("module_names", "The names of the modules in the program, for which we seek advice"),
        ("discussion", "Discussing blame of where each module went wrong, if it did"),
        (
            "advice",
            "For each module, describe very concretely, in this order: the specific scenarios in "
                + "which it has made mistakes in the past and what each mistake was, followed by "
                + "what it should do differently in that kind ofscenario in the future. If the "
                + "module is not to blame, write N/A."
        ),
    ]

    /// DSPy's `inspect_modules`: each predictor's fields and instructions.
    static func definitions(of program: Program) throws(PredictFailure) -> String {
        let line = String(repeating: "-", count: 80)
        var parts = [line]
        for (name, predictor) in program.predictors {
            let texts = FieldTexts(types: predictor.schema.types)
            let inputs: String
            let outputs: String
            do {
                inputs = try texts.list(predictor.schema.inputs)
                outputs = try texts.list(predictor.schema.outputs)
            } catch {
                throw PredictFailure(error)
            }
            parts.append("Module \(name)")
            parts.append("\n\tInput Fields:")
            parts.append(indented(inputs))
            parts.append("\tOutput Fields:")
            parts.append(indented(outputs))
            let instructions = indented(Dedent.dedent(predictor.schema.instructions))
            parts.append("\tOriginal Instructions: \(instructions)")
            parts.append(line)
        }
        return parts.map { $0.trimmingLineEnds }.joined(separator: "\n")
    }

    /// Each line on a line of its own behind two tabs.
    private static func indented(_ text: String) -> String {
        ([""] + text.lines).joined(separator: "\n\t\t")
    }
}

/// JSON as DSPy's `orjson.dumps(…, OPT_INDENT_2)` writes it.
enum IndentedJSON {
    static func text(_ value: Value) throws(PredictFailure) -> String {
        let plain = try plain(value)
        do {
            return try JSONText.write(plain, indent: 2)
        } catch {
            throw .delegated(.coercion)
        }
    }

    /// The value, where Python's two writers of JSON agree on it.
    private static func plain(_ value: Value) throws(PredictFailure) -> PythonValue {
        switch value {
        case .double(let number):
            // orjson has null for what JSON has no number for, and writes exponents in its own way.
            if !number.isFinite { return .none }
            guard !PythonValue.float(number).text.contains("e") else { throw .delegated(.coercion) }
            return .float(number)
        case .bytes, .timestamp, .table, .tensor: throw .delegated(.coercion)
        case .list(let items):
            var made: [PythonValue] = []
            for item in items { made.append(try plain(item)) }
            return .list(made)
        case .map(let map):
            var made: [(PythonValue, PythonValue)] = []
            for (key, item) in map.entries { made.append((.string(key), try plain(item))) }
            return .dict(PythonDict(uniqueEntries: made))
        default: return PythonValue(value)
        }
    }
}

extension String {
    /// Without line ends at both ends: Python's `strip("\n")`.
    fileprivate var trimmingLineEnds: String {
        var scalars = Substring(self).unicodeScalars
        while scalars.first == "\n" { scalars.removeFirst() }
        while scalars.last == "\n" { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}
