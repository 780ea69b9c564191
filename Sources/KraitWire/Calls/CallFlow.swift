/// What a call and its caller exchange before the call's end: a stream's chunks, and tools.
///
/// The caller's side of it, which a backend uses. Its methods may be called from any thread and
/// never block.
package protocol CallFlow: AnyObject, Sendable {
    /// The credit that the call's stream begins with; 0 where it is none.
    var credit: Int { get }
    /// What the call may ask for while it runs.
    var tools: [HostTool] { get }
    /// Whether a chunk has come or a tool was begun: then the call cannot be made again.
    var hasBegun: Bool { get }
    /// A chunk has come; `give` is to be called with how much more the reader takes.
    func took(chunk: ReceivedEnvelope, give: @escaping @Sendable (_ credit: Int) -> Void)
    /// A tool is about to run.
    func toolBegins()
}

/// A tool as it is offered to workers.
package struct HostTool: Sendable {
    package var name: String
    /// What it does, for language models.
    package var description: String
    /// The JSON schema of its arguments, an object's.
    package var parameters: Value
    /// Runs it.
    package var body: @Sendable (ValueMap) async throws -> Value

    package init(
        name: String,
        description: String,
        parameters: Value,
        body: @escaping @Sendable (ValueMap) async throws -> Value
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.body = body
    }

    /// As the option `tools` carries it.
    package var value: Value {
        [
            "name": .string(name), "description": .string(description),
            "parameters": parameters,
        ]
    }
}

/// Why a tool call has no result; `type` is what the Python side's `ToolFailed` has.
///
/// Goes to the worker alone: its text may hold parts of a payload.
package struct ToolError: Error, Hashable, Sendable {
    package var type: String
    package var message: String

    package init(_ type: String, _ message: String) {
        self.type = type
        self.message = message
    }

    /// There is no tool of that name.
    package static let unknownTool = "unknown_tool"
    /// The arguments do not fit the tool.
    package static let invalidArguments = "invalid_arguments"
    /// What the tool gave cannot be carried.
    package static let unserialisable = "unserialisable"
    /// The tool was cancelled.
    package static let cancelled = "cancelled"
}

/// The tool call that the current task serves.
///
/// `ToolContext.current` is set in a tool's body and in what it begins as child tasks. Calls made
/// there inherit its session and its deadline.
public struct ToolContext: Sendable {
    /// The call that the surrounding code serves as a tool; nil outside tools.
    @TaskLocal public static var current: ToolContext?

    /// The tool's name.
    public let tool: String
    /// The operation whose call asked for it.
    public let operation: String
    /// The session of that call.
    public let session: String?
    /// When nobody waits for the tool any more.
    public let deadline: ContinuousClock.Instant?
    /// The pools that serve the calls around it, each with a slot lent to what it calls.
    package let pools: [String]

    package init(
        tool: String,
        operation: String,
        session: String?,
        deadline: ContinuousClock.Instant?,
        pools: [String]
    ) {
        self.tool = tool
        self.operation = operation
        self.session = session
        self.deadline = deadline
        self.pools = pools
    }
}
