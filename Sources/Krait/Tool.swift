import KraitPrompts
import KraitRouting
import KraitSignatures
import KraitWire

/// A Swift function that the Python code of a call may call back, such as a tool of `dspy.ReAct`.
///
/// ```swift
/// let search = Tool("search", "Finds pages about a subject.", parameter: "query") {
///     (query: String) async throws -> [String] in
///     try await index.pages(about: query)
/// }
/// let reply = try await krait.call("react", arguments, tools: [search])
/// ```
///
/// A struct's properties are the tool's arguments, by name; anything else is its one argument,
/// named by `parameter`. Optional ones may be left out. What the function throws goes to the worker
/// as the failure of this one tool call, with its type and text; arguments that do not fit never
/// reach the function. Several may run at once. In the function, `ToolContext.current` has the
/// session and the deadline of the call, which calls made there inherit.
public struct Tool: Sendable {
    /// What language models call it by: letters, digits and underscores.
    public let name: String
    /// What it does, for language models.
    public let description: String
    private let parts: Result<Parts, CallError>

    private struct Parts: Sendable {
        var parameters: Value
        var body: @Sendable (ValueMap) async throws -> Value
    }

    /// A tool with one argument, or with a struct's properties as arguments.
    ///
    /// - Parameter parameter: the name of the one argument.
    public init<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ name: String,
        _ description: String,
        parameter: String = "input",
        _ body: @escaping @Sendable (Input) async throws -> Output
    ) {
        self.name = name
        self.description = description
        do throws(CallError) {
            let shape = try ToolShape(Input.self, of: name, parameter: parameter)
            let parts = Parts(parameters: shape.parameters) { arguments in
                let input = try shape.input(Input.self, from: arguments)
                return try ToolShape.value(of: try await body(input))
            }
            self.parts = .success(parts)
        } catch {
            parts = .failure(error)
        }
    }

    /// A tool without arguments.
    public init<Output: Encodable & Sendable>(
        _ name: String,
        _ description: String,
        _ body: @escaping @Sendable () async throws -> Output
    ) {
        self.init(name, description) { (_: ToolShape.Nothing) in try await body() }
    }

    /// A tool that takes its arguments as they come; they are not checked.
    ///
    /// - Parameter parameters: the JSON schema of the arguments, an object's.
    public init(
        _ name: String,
        _ description: String,
        parameters: Value,
        _ body: @escaping @Sendable (ValueMap) async throws -> Value
    ) {
        self.name = name
        self.description = description
        parts = .success(Parts(parameters: parameters, body: body))
    }

    /// The JSON schema of its arguments, or why there is none.
    public var parameters: Value {
        get throws(CallError) { try parts.get().parameters }
    }

    /// Tools as calls carry them; throws what is wrong with one.
    static func offered(_ tools: [Tool]) throws(CallError) -> [HostTool] {
        guard tools.count <= Limits.tools else {
            throw CallError(.invalidInput, "a call has at most \(Limits.tools) tools")
        }
        var names: Set<String> = []
        var offered: [HostTool] = []
        for tool in tools {
            guard names.insert(tool.name).inserted else {
                throw CallError(.invalidInput, "two of the call's tools are named \(tool.name)")
            }
            let parts = try tool.parts.get()
            let description = tool.description
            offered.append(
                HostTool(
                    name: tool.name,
                    description: description,
                    parameters: parts.parameters,
                    body: parts.body
                )
            )
        }
        return offered
    }
}

/// A tool's arguments: their schema, and how they become its input.
struct ToolShape: Sendable {
    let parameters: Value
    private let names: [String]
    private let isStruct: Bool
    private let tool: String

    /// The input of a tool that has none.
    struct Nothing: Decodable, Sendable {}

    init(
        _ input: (some Decodable).Type,
        of tool: String,
        parameter: String
    ) throws(CallError) {
        do {
            let shape = try ToolInput(of: input, parameter: parameter)
            parameters = try Self.schema(of: shape)
            names = shape.fields.map(\.name)
            isStruct = shape.isStruct
            self.tool = tool
        } catch {
            throw CallError(.invalidInput, "the tool \(tool) cannot be offered: \(error)")
        }
    }

    /// An object's schema; what the arguments' own schemas define is defined beside them.
    private static func schema(of shape: ToolInput) throws -> Value {
        var properties: ValueMap = [:]
        var definitions: ValueMap = [:]
        for field in shape.fields {
            let written = try JSONSchema.of(field.type, types: shape.types, isStructural: true)
            var schema: ValueMap = [:]
            for (key, value) in written.wireValue?.map?.entries ?? [] {
                if key == "$defs" {
                    for (name, definition) in value.map?.entries ?? [] {
                        definitions[name] = definition
                    }
                } else {
                    schema[key] = value
                }
            }
            properties[field.name] = .map(schema)
        }
        let required = shape.fields.filter { !$0.isOptional }.map { Value.string($0.name) }
        var parameters: ValueMap = ["type": "object", "properties": .map(properties)]
        parameters["required"] = .list(required)
        if !definitions.isEmpty { parameters["$defs"] = .map(definitions) }
        return .map(parameters)
    }

    /// The tool's input, or which argument does not fit it.
    func input<Input: Decodable>(
        _ type: Input.Type,
        from arguments: ValueMap
    ) throws(ToolError) -> Input {
        for (name, _) in arguments.entries where !names.contains(name) {
            let known = names.isEmpty ? "none" : names.joined(separator: ", ")
            throw ToolError(
                ToolError.invalidArguments,
                "\(tool) takes no argument \(name.prefix(80)); it takes \(known)"
            )
        }
        do {
            if isStruct { return try SignatureCoding.value(type, of: arguments) }
            return try ValueDecoder().decode(type, from: arguments[names[0]] ?? .null)
        } catch {
            throw ToolError(
                ToolError.invalidArguments,
                "the arguments do not fit \(tool): \(error)"
            )
        }
    }

    /// What the tool gave, as a value.
    static func value(of output: some Encodable) throws(ToolError) -> Value {
        do {
            return try ValueEncoder().encode(output)
        } catch {
            throw ToolError(
                ToolError.unserialisable,
                "what the tool gave cannot be sent: \(error)"
            )
        }
    }
}
