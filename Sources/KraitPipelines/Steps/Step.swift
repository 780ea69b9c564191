import KraitWire

/// One step of a pipeline: takes a value, gives another, and may call what Python or Swift offers.
///
/// Before writing one, see whether `Transform` does it: a step of one's own is for what makes calls
/// or has parts. A step is a value that many runs use at the same time; what changes belongs to the
/// run's context.
///
/// ```swift
/// struct Embed: Step {
///     let name = "Embed"
///
///     func run(_ text: String, in context: RunContext) async throws(CallError) -> [Double] {
///         let call = Call("embed", ["text": .string(text)], options: context.options)
///         return try await context.call(call).value.list?.compactMap(\.double) ?? []
///     }
/// }
/// ```
public protocol Step<Input, Output>: Sendable {
    /// What the step takes.
    associatedtype Input: Sendable
    /// What the step gives.
    associatedtype Output: Sendable

    /// What the step is called in paths and traces, such as `Predict(Triage)`.
    var name: String { get }

    /// Turns the input into the output, or throws why it cannot.
    ///
    /// Cancelling the task cancels the step: long work of its own looks at `Task.isCancelled`.
    func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output

    /// Throws what is wrong with the step before it is ever run.
    ///
    /// A template or signature that does not parse, an operation or pool that the context's caller
    /// does not know. The default finds nothing.
    func validate(in context: RunContext) throws(CallError)
}

extension Step {
    /// Finds nothing.
    public func validate(in context: RunContext) throws(CallError) {}
}
