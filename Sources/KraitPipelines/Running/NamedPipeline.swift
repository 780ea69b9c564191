import KraitRouting
import KraitWire

/// A pipeline behind its name: it takes and gives values, as they come over a socket or in a file.
package struct NamedPipeline: Sendable {
    package let name: String
    /// The types that it takes and gives, for people.
    package let types: (input: String, output: String)
    package let plan: PipelinePlan
    private let check: @Sendable (any Caller) throws(CallError) -> Void
    private let body: @Sendable (Value, RunContext) async throws(CallError) -> Value

    /// - Parameters:
    ///   - read: makes the input of a value.
    ///   - write: makes a value of the output. What the two throw names places and kinds, and never
    ///     a value.
    package init<Input: Sendable, Output: Sendable>(
        _ pipeline: Pipeline<Input, Output>,
        read: @escaping @Sendable (Value) throws(SignatureCoding.Misfit) -> Input,
        write: @escaping @Sendable (Output) throws(SignatureCoding.Misfit) -> Value
    ) {
        let name = pipeline.name
        self.name = name
        types = (Self.title(Input.self), Self.title(Output.self))
        plan = pipeline.plan()
        check = { caller throws(CallError) in try pipeline.validate(through: caller) }
        body = { value, context throws(CallError) in
            let input: Input
            do throws(SignatureCoding.Misfit) {
                input = try read(value)
            } catch {
                let message = "The input does not fit the pipeline \(name): \(error)."
                throw CallError(.invalidInput, message, path: [name])
            }
            let output = try await pipeline.run(input, in: context)
            do throws(SignatureCoding.Misfit) {
                return try write(output)
            } catch {
                let message = "What the pipeline \(name) gave cannot be told: \(error)."
                throw CallError(.invalidOutput, message, path: [name], delivery: .sent)
            }
        }
    }

    /// A type as people write it; an untyped one is a map of fields.
    private static func title(_ type: any Any.Type) -> String {
        type == ValueMap.self ? "fields" : "\(type)"
    }

    /// Throws the first mistake that can be found without running.
    package func validate(through caller: any Caller) throws(CallError) { try check(caller) }

    /// Runs the pipeline; see `Pipeline.run`.
    package func run(
        _ input: Value,
        through caller: any Caller,
        options: CallOptions = CallOptions(),
        trace: Trace? = nil,
        listener: RunListener = RunListener()
    ) async throws(CallError) -> Value {
        try await body(
            input,
            RunContext(caller, options: options, trace: trace, listener: listener)
        )
    }
}
