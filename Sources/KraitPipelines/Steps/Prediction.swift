import KraitRouting
import KraitSignatures
import KraitWire

/// What `Predict` and `ChainOfThought` have in common: a signature, and the call it makes.
///
/// The schema is derived or parsed once, when the step is made; that it does not hold comes out
/// when the pipeline is validated or run.
package struct Prediction<Input: Sendable, Output: Sendable>: Sendable {
    package typealias Misfit = SignatureCoding.Misfit

    /// The signature's name in paths and traces.
    let name: String
    /// What the router is asked for, specialisation included.
    let operation: String
    private let pool: String?
    /// What Python is told; nil where DSPy has no such signature and only native code can answer.
    private let signature: Result<WireSignature?, SchemaError>
    private let inputs: @Sendable (Input) throws(Misfit) -> ValueMap
    private let output: @Sendable (ValueMap) throws(Misfit) -> Output

    private init(
        name: String,
        operation: String,
        pool: String?,
        signature: Result<WireSignature?, SchemaError>,
        inputs: @escaping @Sendable (Input) throws(Misfit) -> ValueMap,
        output: @escaping @Sendable (ValueMap) throws(Misfit) -> Output
    ) {
        self.name = name
        self.operation = operation
        self.pool = pool
        self.signature = signature
        self.inputs = inputs
        self.output = output
    }

    /// A prediction of a typed signature.
    package init<S: Signature>(_ base: String, _ type: S.Type, on pool: String?)
    where Input == S.Input, Output == S.Output {
        self.init(
            name: "\(type)",
            operation: type.operation(base),
            pool: pool,
            signature: Result { () throws(SchemaError) in
                try type.schemaForPython.map(WireSignature.schema)
            },
            inputs: { input throws(Misfit) in try SignatureCoding.fields(of: input) },
            output: { outputs throws(Misfit) in
                try SignatureCoding.value(S.Output.self, of: outputs)
            }
        )
    }

    /// A prediction of a signature as text.
    ///
    /// Inputs are checked here, before anything is sent. Where only Python can tell whether the
    /// text is a signature at all, it is sent as it is and nothing is checked.
    package init(_ base: String, text: String, instructions: String?, on pool: String?)
    where Input == ValueMap, Output == ValueMap {
        let parsed = Result { () throws(SchemaError) in
            try Schema(parsing: text, instructions: instructions)
        }
        var signature = parsed.map { WireSignature.schema($0) as WireSignature? }
        if case .failure(let error) = parsed, error.rule != nil {
            signature = .success(.text(text, instructions: instructions))
        }
        let schema = try? parsed.get()
        let shown = schema?.signature ?? text
        self.init(
            name: shown.count <= 60 ? shown : shown.prefix(59) + "…",
            operation: base,
            pool: pool,
            signature: signature,
            inputs: { inputs throws(Misfit) in
                do throws(SchemaError) {
                    try schema?.validate(inputs: inputs)
                } catch {
                    throw Misfit(error)
                }
                return inputs
            },
            output: { outputs throws(Misfit) in outputs }
        )
    }

    /// The same prediction with something else made of its outputs.
    func mapping<Other: Sendable>(
        _ transform: @escaping @Sendable (ValueMap, Output) -> Other
    ) -> Prediction<Input, Other> {
        let output = output
        return Prediction<Input, Other>(
            name: name,
            operation: operation,
            pool: pool,
            signature: signature,
            inputs: inputs,
            output: { outputs throws(Misfit) in transform(outputs, try output(outputs)) }
        )
    }

    /// Makes the call and reads its reply.
    func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        try output(of: try await context.call(try call(for: input, in: context)))
    }

    /// Reads the outputs of a reply.
    package func output(of reply: Reply) throws(CallError) -> Output {
        guard let outputs = reply.value["outputs"]?.map else {
            throw unfitting("The reply has no map `outputs`; it is \(reply.value.kindName).", reply)
        }
        do {
            return try output(outputs)
        } catch {
            throw unfitting("The outputs do not fit \(name): \(error).", reply)
        }
    }

    /// The operation, and the pool where the step names one.
    var note: String {
        let base = operation.prefix { $0 != ":" }
        return pool.map { "\(base) on pool \($0)" } ?? String(base)
    }

    /// Finds a signature that does not hold, and an operation or pool that nobody offers.
    func validate(in context: RunContext) throws(CallError) {
        let signature = try wireSignature()
        try context.caller.check(operation, options: try options(in: context, signature))
    }

    /// The call of an input, checked; further arguments may be laid beside its own.
    package func call(for input: Input, in context: RunContext) throws(CallError) -> Call {
        let signature = try wireSignature()
        let options = try options(in: context, signature)
        do {
            var arguments: ValueMap = ["inputs": .map(try inputs(input))]
            arguments["signature"] = signature?.value(asking: context.feedback)
            return Call(operation, arguments, options: options)
        } catch {
            let message = "The inputs do not fit \(name): \(error)."
            throw CallError(.invalidInput, message, operation: operation)
        }
    }

    private func wireSignature() throws(CallError) -> WireSignature? {
        do {
            return try signature.get()
        } catch {
            let message = "The signature \(name) does not hold: \(error)."
            throw CallError(.invalidInput, message, operation: operation)
        }
    }

    /// The run's options, with the step's own pool, or native code where no pool could answer.
    private func options(
        in context: RunContext,
        _ signature: WireSignature?
    ) throws(CallError) -> CallOptions {
        var options = context.options
        if let pool { options.route = .pool(pool) }
        guard signature == nil else { return options }
        if case .pool = options.route {
            let message =
                "\(name) has a field of the same name among its inputs and its outputs, "
                + "which DSPy does not take; rename one of them, or leave it to native code."
            throw CallError(.invalidInput, message, operation: operation)
        }
        options.route = .native
        return options
    }

    private func unfitting(_ message: String, _ reply: Reply) -> CallError {
        var error = CallError(.invalidOutput, message, operation: operation, delivery: .sent)
        if case .pool(let pool, let worker, _) = reply.source {
            error.pool = pool
            error.worker = worker
        }
        return error
    }
}

/// A signature as Python is told it.
enum WireSignature: Sendable {
    case schema(Schema)
    /// A text that only Python can read.
    case text(String, instructions: String?)

    /// The argument `signature`, with what was wrong with earlier answers behind its instructions.
    func value(asking feedback: [String]) -> Value {
        let repair = feedback.isEmpty ? nil : Self.repair(feedback)
        switch self {
        case .schema(let schema):
            return (repair.map { schema.appending(instructions: $0) } ?? schema).wireValue
        case .text(let text, let instructions):
            let all = [instructions, repair].compactMap(\.self).joined(separator: "\n\n")
            var map: ValueMap = ["text": .string(text)]
            if !all.isEmpty { map["instructions"] = .string(all) }
            return .map(map)
        }
    }

    private static func repair(_ feedback: [String]) -> String {
        let rules = feedback.map { "- \($0)" }.joined(separator: "\n")
        return "An earlier answer was refused. Answer anew, and keep to this:\n\(rules)"
    }
}
