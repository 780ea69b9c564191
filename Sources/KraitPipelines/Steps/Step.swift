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

    /// What the step is made of: how a plan draws it, and what is validated with it. The default
    /// is a step without parts.
    var outline: StepOutline { get }

    /// Throws what is wrong with the step before it is ever run.
    ///
    /// A template or signature that does not parse, an operation or pool that the context's caller
    /// does not know. The default validates the parts.
    func validate(in context: RunContext) throws(CallError)
}

extension Step {
    /// No parts, and nothing to say.
    public var outline: StepOutline { StepOutline() }

    /// Validates each part under its label.
    public func validate(in context: RunContext) throws(CallError) {
        for part in outline.parts {
            let inner = context.entering(part.label)
            do {
                try part.step.validate(in: inner)
            } catch {
                throw error.placed(at: inner.path)
            }
        }
    }
}

/// What a step is made of.
public struct StepOutline: Sendable {
    /// How the parts of a step relate.
    public enum Arrangement: String, Sendable, Hashable, CaseIterable {
        /// One after the other.
        case sequence
        /// All at the same time.
        case parallel
        /// One of them.
        case choice
        /// The one part, perhaps several times.
        case repeated
    }

    /// A part with its label in paths.
    public struct Part: Sendable {
        /// The label, such as `1 Predict(Triage)`.
        public let label: String
        /// The part.
        public let step: any Step

        /// A part with its label.
        public init(_ label: String, _ step: any Step) {
            self.label = label
            self.step = step
        }
    }

    /// How the parts relate.
    public var arrangement: Arrangement
    /// The parts; a step that calls or computes has none.
    public var parts: [Part]
    /// What else there is to know, in few words: `predict on pool general`, `width 8`.
    public var note: String?

    /// An outline, by default of a step without parts.
    public init(
        _ arrangement: Arrangement = .sequence,
        _ parts: [Part] = [],
        note: String? = nil
    ) {
        self.arrangement = arrangement
        self.parts = parts
        self.note = note
    }
}
