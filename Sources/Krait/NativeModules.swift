import KraitLM
import KraitModules
import KraitRouting
import KraitSignatures
import KraitWire

/// DSPy's modules in this process, among an orchestrator's parts: `predict`, `chain_of_thought` and
/// `react` without a worker, and programs under names of your own.
///
/// ```swift
/// NativeModules(LM("openai/gpt-4o-mini"), programs: ["support": support])
/// ```
/// The messages to the model and the fields of its answer are DSPy's, byte for byte (ChatAdapter,
/// and JSONAdapter where that cannot read the answer). What native code cannot be sure of it leaves
/// to a pool by a rule that the decision names; see *What is native, and what is not*. A signature
/// with native code of its own keeps that.
public struct NativeModules: Sendable {
    let natives: [Registry.Native]

    /// The modules with this model.
    ///
    /// - Parameters:
    ///   - structuredOutput: how the model is asked for JSON where ChatAdapter cannot read its
    ///     answer; nil leaves such a call to Python, whose catalogue knows what models can do.
    ///   - programs: programs by the operation that calls them; a call's arguments are its inputs.
    public init(
        _ lm: LM,
        structuredOutput: StructuredOutput? = nil,
        programs: KeyValuePairs<String, Program> = [:]
    ) {
        let model = ModuleModel(lm, structure: structuredOutput)
        let modules: [(String, Capabilities, any Backend)] = [
            ("predict", [.customTypes], PredictBackend(model, reasoning: false)),
            ("chain_of_thought", [.customTypes], PredictBackend(model, reasoning: true)),
            ("react", [.customTypes, .tools], ReActBackend(model)),
        ]
        let own = programs.map { name, program in
            (name, Capabilities(), ProgramBackend(program, model) as any Backend)
        }
        natives = (modules + own).map { operation, capabilities, backend in
            Registry.Native(operation, capabilities: capabilities, backend: backend).accounted
        }
    }
}

extension Program {
    /// DSPy's `ReAct` with Swift functions as tools.
    ///
    /// The output has the agent's `trajectory` before its fields, `reasoning` among them.
    ///
    /// - Parameter most: how many steps it takes at most.
    /// - Throws: `invalid_input` for a tool or a signature that does not hold.
    public static func react(
        _ signature: String,
        tools: [Tool],
        most: Int = 20
    ) throws(CallError) -> Program {
        do {
            return try react(
                try Schema(parsing: signature),
                tools: try Tool.offered(tools),
                most: most
            )
        } catch let error as CallError {
            throw error
        } catch {
            throw CallError(.invalidInput, "The agent does not hold: \(error).")
        }
    }
}
