import KraitRouting
import KraitWire

/// Plain Swift between two steps: a closure, which may be asynchronous and may throw.
///
/// ```swift
/// Transform { (triage: Triage.Output) in Polish.Input(reply: triage.reply) }
/// ```
///
/// What the closure throws fails the run: a `CallError` as it is, anything else as `faulted` with
/// the error's type and text in its fault, as an exception in Python would.
public struct Transform<Input: Sendable, Output: Sendable>: Step {
    /// `Transform`, or the name it was given.
    public let name: String
    private let body: @Sendable (Input) async throws -> Output

    /// A step of a closure whose parameter's type is written out.
    public init(
        _ name: String = "Transform",
        _ body: @escaping @Sendable (Input) async throws -> Output
    ) {
        self.name = name
        self.body = body
    }

    /// Runs the closure in the run's own task.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> Output {
        do {
            return try await body(input)
        } catch {
            throw .raised(by: error, in: "The closure of \(name)")
        }
    }
}

/// Passes its input on unchanged: in `Both` it keeps the input beside what the other side makes of
/// it.
///
/// ```swift
/// Both(Pass(), Search(index, top: 3))             // String → (String, [Passage])
/// ```
public struct Pass<Value: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Pass" }

    /// A step that does nothing.
    public init() {}

    /// Gives the input.
    public func run(_ input: Value, in context: RunContext) async throws(CallError) -> Value {
        input
    }
}
