/// What a tool takes, read off the Swift type of its input.
package struct ToolInput: Sendable {
    /// The arguments by name, in order.
    package let fields: [Field]
    /// The types that the arguments' types name.
    package let types: [TypeDeclaration]
    /// Whether the input's properties are the arguments; otherwise the input is the one argument.
    package let isStruct: Bool

    /// One argument.
    package struct Field: Sendable {
        package let name: String
        package let type: TypeExpression

        /// Whether it may be left out.
        package var isOptional: Bool {
            guard case .union(let members) = type else { return type == .none }
            return members.contains { $0 == .none || $0 == .noneConstant }
        }
    }

    /// The input of a tool; `parameter` names the argument where the type is no struct.
    package init<T: Decodable>(of type: T.Type, parameter: String) throws(SchemaError) {
        let whole = TypeRecording()
        let expression = try whole.type(of: type)
        if case .declared(let name) = expression,
            let declaration = whole.declarations.first(where: { $0.name == name }),
            case .model = declaration.kind
        {
            let recording = TypeRecording()
            fields = try recording.fields(of: type).map { Field(name: $0.name, type: $0.type) }
            types = recording.declarations
            isStruct = true
        } else {
            fields = [Field(name: parameter, type: expression)]
            types = whole.declarations
            isStruct = false
        }
    }
}
