import KraitSignatures

/// Finds the fields' elements in a completion, as XMLAdapter does.
struct XMLCompletionParser {
    private let plan: PromptPlan

    init(_ plan: PromptPlan) { self.plan = plan }

    func parse(_ completion: String) throws(PromptError) -> PythonDict {
        let root = try read(completion)
        let groups = XMLGroups(of: root)
        var fields = PythonDict()
        for field in plan.outputs {
            guard let elements = groups[field.name] else { continue }
            fields[field.name] = try value(of: elements, field, completion)
        }
        for field in plan.outputs where fields[field.name] == nil {
            if let fallback = field.fallback { fields[field.name] = fallback }
        }
        var ordered = PythonDict()
        for field in plan.outputs { ordered[field.name] = fields[field.name] }
        guard ordered.count == plan.outputs.count else {
            throw .unparsable(unparsable(completion, parsed: ordered))
        }
        return ordered
    }

    private func read(_ completion: String) throws(PromptError) -> XMLElement {
        do {
            return try XMLReader.read(completion)
        } catch {
            switch error.reason {
            case .delegated: throw .delegated(.markup)
            case .depth: throw .delegated(.depth)
            default:
                let (line, column) = Self.place(error.offset, in: completion)
                let reason = "\(error.reason.rawValue): line \(line), column \(column)"
                throw .unparsable(
                    unparsable(completion, reason: "Failed to parse XML: " + reason)
                )
            }
        }
    }

    /// Expat's line from 1 and column from 0, in characters.
    private static func place(_ offset: Int, in completion: String) -> (line: Int, column: Int) {
        let text = "<\(XMLReader.root)>" + completion + "</\(XMLReader.root)>"
        var (line, column) = (1, 0)
        var previous: UInt8 = 0
        for byte in text.utf8.prefix(offset) {
            if byte == 0x0A, previous == 0x0D {
                // The second half of one line end.
            } else if byte == 0x0A || byte == 0x0D {
                line += 1
                column = 0
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
            previous = byte
        }
        return (line, column)
    }

    /// The value of a field's elements, read by its schema or by one of the choices in that.
    private func value(
        of elements: [XMLElement],
        _ field: PromptPlan.FieldPlan,
        _ completion: String
    ) throws(PromptError) -> PythonValue {
        if field.isText, elements.count == 1, elements[0].children.isEmpty {
            return .string(elements[0].text.stripped)
        }
        let root = try field.structure?.get() ?? PythonDict([("type", .string("string"))])
        let reader = XMLValues(definitions: root["$defs"]?.dict ?? PythonDict())
        let choices = root["anyOf"]?.list?.compactMap(\.dict) ?? []
        var last = (value: PythonValue.none, reason: "")
        for candidate in [root] + choices {
            let value = try reader.value(of: elements, candidate)
            do {
                return try parsed(value, field)
            } catch {
                last = (value, try FoundFields.reason(error))
            }
        }
        throw .unparsable(
            unparsable(
                completion,
                reason: "Failed to parse field \(field.name) with value "
                    + "\(last.value.text): \(last.reason)",
                field: field.name
            )
        )
    }

    private func parsed(_ value: PythonValue, _ field: PromptPlan.FieldPlan) throws(ValueFailure)
        -> PythonValue
    {
        do {
            return field.isText ? .string(value.text) : try plan.parser.parse(value, as: field.type)
        } catch {
            guard case .raised(let exception) = error, exception.className == "ValidationError"
            else { throw error }
            return try TypeAdapter(types: plan.schema.types).validate(value, as: field.type)
        }
    }

    private func unparsable(
        _ completion: String,
        reason: String? = nil,
        field: String? = nil,
        parsed: PythonDict? = nil
    ) -> UnparsableCompletion {
        UnparsableCompletion(
            adapter: .xml,
            reason: reason,
            field: field,
            completion: completion,
            expected: plan.outputs.map(\.name),
            parsed: parsed
        )
    }
}

/// An element's children by their names; an `entry` by its key.
struct XMLGroups {
    private(set) var names: [String] = []
    private var groups: [[XMLElement]] = []
    private var index: [[UInt8]: Int] = [:]

    init(of element: XMLElement) {
        for child in element.children {
            let name = child.tag == "entry" ? child.attribute("key") ?? child.tag : child.tag
            let key = Array(name.utf8)
            if let place = index[key] {
                groups[place].append(child)
            } else {
                index[key] = names.count
                names.append(name)
                groups.append([child])
            }
        }
    }

    subscript(name: String) -> [XMLElement]? { index[Array(name.utf8)].map { groups[$0] } }
}

/// Turns elements into values by a JSON Schema.
struct XMLValues {
    let definitions: PythonDict

    private static let depthLimit = 250

    func value(of elements: [XMLElement], _ schema: PythonDict, depth: Int = 0)
        throws(PromptError) -> PythonValue
    {
        guard depth < Self.depthLimit else { throw .delegated(.depth) }
        var schema = schema
        let name = schema["$ref"]?.string?.split(separator: "/").last.map(String.init) ?? ""
        if case .dict(let definition)? = definitions[name] { schema = definition }
        let element = elements[0]
        if let choices = schema["anyOf"]?.list?.compactMap(\.dict), !choices.isEmpty {
            let isNull = { (choice: PythonDict) in choice["type"]?.string == "null" }
            if choices.contains(where: { isNull($0) && $0.count == 1 }), element.children.isEmpty,
                element.text.stripped.isEmpty
            {
                return .none
            }
            let others = choices.filter { !isNull($0) }
            guard let first = others.first else { throw .delegated(.jsonSchema) }
            schema = first
            if !element.children.isEmpty {
                schema = others.first { $0["type"]?.string != "string" } ?? first
            }
        }
        if schema["type"]?.string == "array" {
            return try array(elements, schema, depth: depth)
        }
        if schema["type"]?.string == "string", !element.children.isEmpty {
            return .string(element.text + element.children.map(\.markup).joined())
        }
        let groups = XMLGroups(of: element)
        if groups.names.isEmpty {
            if schema["type"]?.string == "object", element.text.stripped.isEmpty {
                return .dict(PythonDict())
            }
            let values = elements.map { PythonValue.string($0.text.stripped) }
            return values.count == 1 ? values[0] : .list(values)
        }
        var result = PythonDict()
        let rest = schema["additionalProperties"]?.dict ?? PythonDict()
        for name in groups.names {
            let property = schema["properties"]?.dict?[name]?.dict ?? rest
            result[name] = try value(of: groups[name] ?? [], property, depth: depth + 1)
        }
        return .dict(result)
    }

    private func array(_ elements: [XMLElement], _ schema: PythonDict, depth: Int)
        throws(PromptError) -> PythonValue
    {
        var elements = elements
        if elements.count == 1, elements[0].children.isEmpty {
            let text = elements[0].text.stripped
            if text.isEmpty { return .list([]) }
            if text.utf8.first == UInt8(ascii: "[") { return .string(text) }
        }
        if elements.count == 1, let items = XMLGroups(of: elements[0])["item"] { elements = items }
        let item = schema["items"]?.dict ?? PythonDict()
        var values: [PythonValue] = []
        for element in elements {
            values.append(try value(of: [element], item, depth: depth + 1))
        }
        return .list(values)
    }
}
