import KraitLM
import KraitPrompts
import KraitSignatures
import KraitWire

/// How a model can be asked for JSON.
///
/// DSPy looks it up in its catalogue of models; a program that has none says it.
public enum StructuredOutput: Sendable, Hashable {
    /// By the prompt alone: DSPy's choice for a model that its catalogue does not know.
    case prompt
    /// By OpenAI's `json_object`.
    case jsonObject
    /// By a JSON Schema of the outputs, and by `json_object` where OpenAI's strict schemas have no
    /// form for one of them, such as `dict[str, int]`.
    case jsonSchema

    /// What JSONAdapter asks for (dspy/adapters/json_adapter.py of 3.4.1).
    func format(of schema: Schema) throws(PredictFailure) -> LMResponseFormat? {
        switch self {
        case .prompt: return nil
        case .jsonObject: return .jsonObject
        case .jsonSchema:
            guard !schema.outputs.contains(where: { $0.type.isOpenMapping }) else {
                return .jsonObject
            }
            return .jsonSchema(
                name: OutputsSchema.name,
                schema: try OutputsSchema.of(schema),
                isStrict: true
            )
        }
    }
}

extension TypeExpression {
    /// Whether Python's `get_origin` of it is `dict`.
    fileprivate var isOpenMapping: Bool {
        if case .generic(let container, _) = self { container == .dict } else { false }
    }
}

/// The JSON Schema of a signature's outputs, as DSPy shapes it for OpenAI's strict mode.
enum OutputsSchema {
    static let name = "DSPyProgramOutputs"

    static func of(_ schema: Schema) throws(PredictFailure) -> Value {
        var fields: [TypeDeclaration.ModelField] = []
        for output in schema.outputs {
            guard let type = output.type.source, output.fallback == nil else {
                throw .delegated(.jsonSchema)
            }
            var field = TypeDeclaration.ModelField(output.name, type: type)
            field.presence = .required
            fields.append(field)
        }
        let model = TypeDeclaration.model(name, fields)
        do throws(PromptError) {
            let written = try JSONSchema.of(.declared(name), types: schema.types + [model])
            guard let value = written.wireValue else { throw PromptError.delegated(.jsonSchema) }
            return strict(required(value), root: value)
        } catch {
            throw PredictFailure(error)
        }
    }

    /// DSPy's `enforce_required`: objects list all their properties and take no others.
    private static func required(_ value: Value) -> Value {
        guard var map = value.map else { return value }
        func each(_ values: ValueMap) -> Value {
            .map(ValueMap(values.entries.map { ($0.key, required($0.value)) }))
        }
        if map["type"] == "object" {
            let properties = map["properties"]?.map ?? ValueMap()
            map["properties"] = each(properties)
            map["required"] = .list(properties.keys.map(Value.string))
            map["additionalProperties"] = false
        }
        if map["type"] == "array", let items = map["items"], items.map != nil {
            map["items"] = required(items)
        }
        if let definitions = map["$defs"]?.map {
            map["$defs"] = each(definitions)
        }
        return .map(map)
    }

    /// The rules of OpenAI's SDK, which DSPy's client applies to schemas that pydantic made.
    private static func strict(_ value: Value, root: Value) -> Value {
        guard var map = value.map else { return value }
        func each(_ values: ValueMap) -> Value {
            .map(ValueMap(values.entries.map { ($0.key, strict($0.value, root: root)) }))
        }
        if let definitions = map["$defs"]?.map { map["$defs"] = each(definitions) }
        if map["type"] == "object", map["additionalProperties"] == nil {
            map["additionalProperties"] = false
        }
        if let properties = map["properties"]?.map {
            map["required"] = .list(properties.keys.map(Value.string))
            map["properties"] = each(properties)
        }
        if let items = map["items"], items.map != nil { map["items"] = strict(items, root: root) }
        if let choices = map["anyOf"]?.list {
            map["anyOf"] = .list(choices.map { strict($0, root: root) })
        }
        if map["default"] == .null { map["default"] = nil }
        // A reference with something beside it becomes what it refers to.
        if map.count > 1, let name = map["$ref"]?.string?.split(separator: "/").last,
            let referred = root["$defs"]?[String(name)]
        {
            var merged = strict(required(referred), root: root).map ?? ValueMap()
            map["$ref"] = nil
            for (key, value) in map.entries { merged[key] = value }
            return .map(merged)
        }
        return .map(map)
    }
}
