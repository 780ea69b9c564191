import KraitWire

/// How templates are read and what they may use.
public struct TemplateOptions: Sendable {
    /// What happens where a template uses a name that is not there.
    public enum UndefinedNames: Sendable, Hashable {
        /// As Jinja's default: nothing is printed, and tests take it for false.
        case lenient
        /// An error where it is printed, gone over or computed with; false in a test.
        case checked
        /// As Jinja's `StrictUndefined`: an error in a test too; only `is defined` may ask.
        case strict
    }

    /// Whether the line break after a statement's or comment's tag is dropped.
    public var trimsBlocks = false
    /// Whether blanks from the line's beginning to a statement's or comment's tag are dropped.
    public var stripsBlocks = false
    /// Whether a line break at the very end of a template is kept.
    public var keepsTrailingNewline = false
    /// What a name that is not there means.
    public var undefinedNames = UndefinedNames.lenient
    /// Whether `break` and `continue` may be used in loops, as with Jinja's extension for it.
    public var allowsLoopControls = false
    /// Whether `{% do … %}` evaluates an expression, as with Jinja's extension for it.
    public var allowsDo = false
    /// Whether `{% generation %}` marks a part, as in chat templates; the mark has no effect.
    public var allowsGeneration = false
    /// Whether `tojson` writes plain JSON in the order given, as chat templates expect.
    ///
    /// Jinja's own escapes `<`, `>`, `&` and `'`, and sorts keys.
    public var writesPlainJSON = false
    /// The functions that templates may call, by name; nothing else of the program is in reach.
    public var functions: [String: TemplateFunction] = [:]
    /// Bounds of reading and rendering.
    public var limits = TemplateLimits()

    /// Jinja's defaults.
    public init() {}

    /// What Hugging Face's chat templates are rendered with.
    ///
    /// Blocks trimmed and stripped, loop controls, plain JSON, and `raise_exception`. The function
    /// `strftime_now` is the caller's to give: an engine without a clock gives the same text twice.
    public static var chat: TemplateOptions {
        var options = TemplateOptions()
        options.trimsBlocks = true
        options.stripsBlocks = true
        options.allowsLoopControls = true
        options.allowsGeneration = true
        options.writesPlainJSON = true
        options.functions["raise_exception"] = .raising
        return options
    }
}

/// A function that templates may call with values, and that gives one back.
public struct TemplateFunction: Sendable {
    let body: @Sendable ([Value], ValueMap) throws -> Value

    /// A function of positional and named arguments.
    ///
    /// It must be quick and must not wait: rendering is synchronous. What it throws becomes a
    /// `TemplateError` of kind `raised` at the place of the call; a `TemplateError` passes as it
    /// is.
    public init(_ body: @escaping @Sendable ([Value], ValueMap) throws -> Value) {
        self.body = body
    }

    /// `raise_exception(message)`: ends the rendering with an error that holds the message.
    public static let raising = TemplateFunction { arguments, _ in
        throw TemplateError(.raised, arguments.first?.string ?? "the template refused its values")
    }
}

/// Bounds that every template is read and rendered within.
public struct TemplateLimits: Sendable, Hashable {
    /// How long a template's text may be.
    public var templateBytes = 1 << 20
    /// How long the rendered text, or any text made on the way, may be.
    public var outputBytes = 64 << 20
    /// How many elements all loops and filters together may go over.
    public var repetitions = 1_000_000
    /// How deep calls of macros, includes, blocks and recursive loops may go.
    public var calls = 64
    /// How deep blocks and expressions may be nested in the text.
    public var nesting = 64
    /// How long a `range(…)` may be, as in Jinja's sandbox.
    public var rangeLength = 100_000

    /// The usual bounds.
    public init() {}

    /// How much text may be made on the way in all, so that time is bounded too.
    var workBytes: Int { outputBytes.multipliedReportingOverflow(by: 4).partialValue }
    /// How deep lists and maps made by a template may be nested.
    static let valueDepth = 64
    /// How many objects that can be changed (namespaces, macros' frames) a rendering may make.
    static let keptObjects = 100_000
    /// How much of the stack a rendering may take.
    static let stackBytes = 256 << 10
}
