import KraitLM
import KraitRouting
import KraitSignatures
import KraitWire

/// A program of DSPy's modules that runs in this process: predictors, and code around them.
///
/// ```swift
/// let program = try Program.chainOfThought("question -> answer")
///     .loading(SavedProgram(contentsOf: "optimized.json"))
/// let answer = try await program(["question": "Why?"], with: LM("openai/gpt-4o-mini"))
/// ```
/// A value: loading, other demos and the like give a new one. Its predictors have the names that
/// `named_predictors` gives them in DSPy, so that a program optimized there is loaded here, and the
/// other way round.
public struct Program: Sendable {
    typealias Body =
        @Sendable (ProgramParts, ValueMap) async throws(PredictFailure) -> ProgramOutput
    typealias Part = (name: String, program: Program)

    indirect enum Content: Sendable {
        case predictor(ProgramPredictor)
        case module([Part], Body)
    }

    var content: Content

    init(_ content: Content) { self.content = content }

    init(_ parts: [Part], body: @escaping Body) { content = .module(parts, body) }

    /// A program of your own: parts by the names of their attributes in DSPy (`generate`,
    /// `hops[0]`), and what is done with them.
    ///
    /// What `body` throws is the run's error; a `CallError` is passed on as it is.
    public init(
        _ parts: KeyValuePairs<String, Program>,
        body: @escaping @Sendable (ProgramParts, ValueMap) async throws -> ValueMap
    ) {
        self.init(parts.map { ($0.key, $0.value) }) { parts, inputs throws(PredictFailure) in
            do {
                return ProgramOutput(fields: try await body(parts, inputs))
            } catch {
                throw .raised(.raised(by: error, in: "The program's own code"))
            }
        }
    }

    /// The predictors by their names in DSPy, in its order.
    public var predictors: [(name: String, predictor: ProgramPredictor)] { named(under: "") }

    private func named(under path: String) -> [(name: String, predictor: ProgramPredictor)] {
        switch content {
        case .predictor(let predictor): [(path.isEmpty ? "self" : path, predictor)]
        case .module(let parts, _):
            parts.flatMap { $0.program.named(under: Self.path($0.name, under: path)) }
        }
    }

    static func path(_ name: String, under path: String) -> String {
        path.isEmpty ? name : path + "." + name
    }

    /// The same with each predictor changed.
    func mapping<Failure: Error>(
        under path: String = "",
        _ change: (String, ProgramPredictor) throws(Failure) -> ProgramPredictor
    ) throws(Failure) -> Program {
        switch content {
        case .predictor(let predictor):
            return Program(.predictor(try change(path.isEmpty ? "self" : path, predictor)))
        case .module(let parts, let body):
            var changed: [Part] = []
            for (name, part) in parts {
                let path = Self.path(name, under: path)
                changed.append((name, try part.mapping(under: path, change)))
            }
            return Program(.module(changed, body))
        }
    }

    /// The same with these demos for all its predictors, as DSPy's few-shot optimizers set them.
    public func with(demos: [ValueMap]) -> Program {
        mapping { _, predictor in
            var predictor = predictor
            predictor.demos = demos
            return predictor
        }
    }

    /// Runs the program; cancelling the task ends the request to the model.
    ///
    /// - Parameters:
    ///   - lm: the model of those predictors that have none of their own.
    ///   - structuredOutput: how the model is asked for JSON where ChatAdapter cannot read its
    ///     answer; nil refuses such a run as `delegated`.
    ///   - timeout: how long it may take in all.
    /// - Throws: `invalid_input` where the inputs do not fit, `delegated` by a named rule where
    ///   only Python can be sure, `faulted` where the model or the program's own code has failed.
    @discardableResult
    public func callAsFunction(
        _ inputs: ValueMap,
        with lm: LM,
        structuredOutput: StructuredOutput? = nil,
        timeout: Duration? = nil
    ) async throws(CallError) -> ProgramOutput {
        try await run(inputs, with: ModuleModel(lm, structure: structuredOutput), timeout: timeout)
    }

    package func run(
        _ inputs: ValueMap,
        with model: ModuleModel,
        timeout: Duration? = nil
    ) async throws(CallError) -> ProgramOutput {
        let ledger = ProgramLedger()
        let context = ProgramContext(
            model: model,
            deadline: timeout.map { .now + $0 },
            ledger: ledger
        )
        do {
            var output = try await run(inputs, in: context)
            output.usage = ledger.usage
            return output
        } catch {
            throw CallError(error, operation: "program")
        }
    }

    func run(
        _ inputs: ValueMap,
        in context: ProgramContext
    ) async throws(PredictFailure) -> ProgramOutput {
        switch content {
        case .predictor(let predictor): return try await predictor.run(inputs, in: context)
        case .module(let parts, let body):
            return try await body(ProgramParts(parts: parts, context: context), inputs)
        }
    }
}

/// What a program made.
public struct ProgramOutput: Sendable, Equatable {
    /// The output fields; an agent's have its `trajectory` before them.
    public var fields: ValueMap
    /// The fields of each completion, where there were several.
    public var completions: [ValueMap] = []
    /// What the run took, by model; what came from a cache took nothing.
    public var usage: [String: LMUsage] = [:]

    init(fields: ValueMap, completions: [ValueMap] = []) {
        self.fields = fields
        self.completions = completions
    }

    /// A field, or nil where there is none of that name.
    public subscript(name: String) -> Value? { fields[name] }
}

/// The parts of a running program.
public struct ProgramParts: Sendable {
    let parts: [Program.Part]
    let context: ProgramContext

    /// Runs a part.
    public func callAsFunction(
        _ name: String,
        _ inputs: ValueMap
    ) async throws(CallError) -> ValueMap {
        do {
            return try await run(name, inputs).fields
        } catch {
            throw CallError(error, operation: name)
        }
    }

    func run(
        _ name: String,
        _ inputs: ValueMap,
        in context: ProgramContext? = nil
    ) async throws(PredictFailure) -> ProgramOutput {
        guard let part = parts.first(where: { $0.name == name }) else {
            let known = parts.map(\.name).joined(separator: ", ")
            throw .refused("The program has no part `\(name)`; it has \(known).")
        }
        var context = context ?? self.context
        context.path = Program.path(name, under: context.path)
        return try await part.program.run(inputs, in: context)
    }
}
