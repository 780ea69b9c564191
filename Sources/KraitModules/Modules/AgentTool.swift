import KraitPrompts
import KraitSignatures
import KraitWire

/// A tool as an agent's model knows it, and as it is run.
struct AgentTool: Sendable {
    let name: String
    private let description: String
    /// The schema of each argument by name; optional ones have a default of null.
    private let arguments: ValueMap
    private let body: @Sendable (ValueMap) async throws -> Value
    /// Whether arguments that the schema does not name reach it.
    private let takesOthers: Bool

    /// The name of the tool that ends an agent's steps.
    static let finishName = "finish"
    /// Names that DSPy's agents give to tools of their own.
    private static let reserved = [finishName, "submit"]

    init(_ tool: HostTool) throws(SchemaError) {
        guard !Self.reserved.contains(tool.name) else {
            throw SchemaError(
                .reservedName,
                "no tool may be named `\(tool.name)`: DSPy's agents have one of that name",
                remedy: "give it another name"
            )
        }
        name = tool.name
        description = tool.description
        body = tool.body
        takesOthers = true
        let required = tool.parameters["required"]?.list?.compactMap(\.string) ?? []
        let definitions = tool.parameters["$defs"]
        var arguments = ValueMap()
        for (name, schema) in tool.parameters["properties"]?.map?.entries ?? [] {
            var resolved = try Self.resolved(schema, definitions, depth: 0)
            if !required.contains(name), var map = resolved.map, map["default"] == nil {
                map["default"] = .null
                resolved = .map(map)
            }
            arguments[name] = resolved
        }
        self.arguments = arguments
    }

    private init(finish description: String) {
        name = Self.finishName
        self.description = description
        arguments = [:]
        takesOthers = false
        body = { _ in "Completed." }
    }

    /// The tool that ends the steps.
    static func finish(_ outputs: String) -> AgentTool {
        AgentTool(
            finish: "Marks the task as complete. That is, signals that all information for "
                + "producing the outputs, i.e. \(outputs), are now available to be extracted."
        )
    }

    /// A schema with what its references name in their place.
    private static func resolved(
        _ schema: Value,
        _ definitions: Value?,
        depth: Int
    ) throws(SchemaError) -> Value {
        guard depth < ModuleLimits.schemaDepth else {
            throw SchemaError(
                .typeArguments,
                "the schema of a tool's argument refers to itself, or is nested too deep",
                remedy: "give the tool a simpler argument"
            )
        }
        switch schema {
        case .list(let items):
            var made: [Value] = []
            for item in items { made.append(try resolved(item, definitions, depth: depth + 1)) }
            return .list(made)
        case .map(let map):
            if let name = map["$ref"]?.string?.split(separator: "/").last,
                let referred = definitions?[String(name)]
            {
                return try resolved(referred, definitions, depth: depth + 1)
            }
            var made = ValueMap()
            for (key, value) in map.entries {
                made[key] = try resolved(value, definitions, depth: depth + 1)
            }
            return .map(made)
        default: return schema
        }
    }

    /// What the model reads of it: DSPy's `str(tool)`.
    var text: String {
        var said = "."
        if !description.isEmpty {
            said = ", whose description is <desc>\(description)</desc>."
            said = said.onOneLine
        }
        let repr = PythonValue(.map(arguments)).representation
        return "\(name)\(said) It takes arguments \(repr)."
    }

    /// Runs it, as the worker's `CallTool` does.
    func run(_ given: ValueMap) async throws(ToolError) -> Value {
        var given = given
        for (name, value) in given.entries where value == .null {
            // A model that has nothing to say sets an argument to null.
            if arguments[name]?["default"] != nil { given[name] = nil }
        }
        for (name, value) in given.entries {
            guard let schema = arguments[name] else {
                if takesOthers { continue }
                throw ToolError("ValueError", "Arg \(name) is not in the tool's args.")
            }
            guard let type = schema["type"], type != "Any" else { continue }
            if let misfit = SchemaMisfit.first(value, schema) {
                throw ToolError("ValueError", "Arg \(name) is invalid: \(misfit)")
            }
        }
        do {
            return try await body(given)
        } catch let error as ToolError {
            throw error
        } catch is CancellationError {
            throw ToolError(ToolError.cancelled, "the tool was cancelled")
        } catch {
            let text = (error as? CallError)?.description ?? "\(error)"
            throw ToolError("\(type(of: error))", text)
        }
    }
}

extension ToolError {
    /// What an agent's model reads.
    var text: String { "ToolError: \(type): \(message)" }
}

extension String {
    /// With two spaces for each line end.
    fileprivate var onOneLine: String {
        var view = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar == "\n" {
                view.append(contentsOf: "  ".unicodeScalars)
            } else {
                view.append(scalar)
            }
        }
        return String(view)
    }
}

/// What Python's `jsonschema` says of a value that does not fit: of types, and of those within.
enum SchemaMisfit {
    /// The first misfit; other keywords are left to the tool itself.
    static func first(_ value: Value, _ schema: Value) -> String? {
        if let type = schema["type"]?.string, !fits(value, type) {
            return "\(PythonValue(value).representation) is not of type '\(type)'"
        }
        if let items = schema["items"], let elements = value.list {
            for element in elements {
                if let misfit = first(element, items) { return misfit }
            }
        }
        for (name, property) in schema["properties"]?.map?.entries ?? [] {
            if let part = value[name], let misfit = first(part, property) { return misfit }
        }
        return nil
    }

    private static func fits(_ value: Value, _ type: String) -> Bool {
        switch type {
        case "string": value.string != nil
        case "integer": value.int != nil || isWhole(value)
        case "number": value.double != nil
        case "boolean": value.bool != nil
        case "array": value.list != nil
        case "object": value.map != nil
        case "null": value == .null
        default: true
        }
    }

    private static func isWhole(_ value: Value) -> Bool {
        switch value {
        case .unsigned: true
        case .double(let number): number.isFinite && number == number.rounded()
        default: false
        }
    }
}
