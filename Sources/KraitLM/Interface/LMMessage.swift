import KraitWire

/// A message of a conversation, in the shape of OpenAI's chat API.
public struct LMMessage: Sendable, Hashable {
    /// Who speaks.
    public var role: Role
    /// What is said, in order; a message of one text is sent as that text.
    public var content: [LMPart]
    /// What the assistant asked tools to do.
    public var toolCalls: [LMToolCall]
    /// The call that a tool's message answers.
    public var toolCallID: String?
    /// The tool's or the speaker's name, where one is told.
    public var name: String?

    /// Who speaks.
    public enum Role: String, Sendable, Hashable {
        case system, developer, user, assistant, tool
    }

    /// A message of parts.
    public init(
        _ role: Role,
        parts: [LMPart],
        toolCalls: [LMToolCall] = [],
        toolCallID: String? = nil,
        name: String? = nil
    ) {
        self.role = role
        self.content = parts
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.name = name
    }

    /// A message of text.
    public init(_ role: Role, _ text: String) { self.init(role, parts: [.text(text)]) }

    /// What frames the task.
    public static func system(_ text: String) -> LMMessage { LMMessage(.system, text) }
    /// What is asked.
    public static func user(_ text: String) -> LMMessage { LMMessage(.user, text) }
    /// What the model said.
    public static func assistant(_ text: String) -> LMMessage { LMMessage(.assistant, text) }
    /// What a tool gave.
    public static func tool(_ text: String, answering id: String) -> LMMessage {
        LMMessage(.tool, parts: [.text(text)], toolCallID: id)
    }

    /// The texts among the parts, joined.
    public var text: String {
        content.reduce(into: "") { if case .text(let text) = $1 { $0 += text } }
    }
}

/// A part of a message.
public enum LMPart: Sendable, Hashable {
    /// Text.
    case text(String)
    /// An image, by its URL or as a `data:` URL.
    case image(url: String, detail: String? = nil)
    /// Anything else, as OpenAI's API has it: a map with its `type`.
    case other(ValueMap)
}

/// A tool that the model may ask for.
public struct LMTool: Sendable, Hashable {
    /// What the model calls it by.
    public var name: String
    /// What it does.
    public var description: String?
    /// The JSON schema of its arguments, an object's.
    public var parameters: Value
    /// Whether the arguments must fit the schema exactly; nil leaves it to the API.
    public var isStrict: Bool?

    /// A tool by its schema.
    public init(
        _ name: String,
        _ description: String? = nil,
        parameters: Value,
        isStrict: Bool? = nil
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.isStrict = isStrict
    }
}

/// A tool that the model asks for.
public struct LMToolCall: Sendable, Hashable {
    /// What the tool's answer refers to.
    public var id: String
    /// The tool's name.
    public var name: String
    /// The arguments as the model wrote them: JSON, if it kept to the rules.
    public var arguments: String

    /// A call of a tool.
    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }

    /// The arguments, or nil where they are not a JSON object.
    public var argumentValues: ValueMap? { (try? PlainJSON.decode(Array(arguments.utf8)))?.map }
}

/// Whether, and which, tools the model is to ask for.
public enum LMToolChoice: Sendable, Hashable {
    /// As it sees fit.
    case auto
    /// None.
    case none
    /// At least one.
    case required
    /// This one.
    case tool(String)
}

/// What the answer's text must be.
public enum LMResponseFormat: Sendable, Hashable {
    /// A JSON object.
    case jsonObject
    /// JSON that fits a schema.
    case jsonSchema(name: String, schema: Value, isStrict: Bool? = nil)
}
