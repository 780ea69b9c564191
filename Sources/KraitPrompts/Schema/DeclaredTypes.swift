import KraitSignatures

/// The types of declared models' fields, which come as text.
enum DeclaredTypes {
    /// The type that a text names beside these declarations.
    static func type(_ text: String, types: [TypeDeclaration]) throws(PromptError)
        -> TypeExpression
    {
        let schema: Schema
        do {
            schema = try Schema(parsing: "field: " + text + " -> result", types: types)
        } catch {
            throw .delegated(error.rule ?? .declaredType)
        }
        guard let type = schema.inputs.first?.type, schema.inputs.count == 1 else {
            throw .delegated(.declaredType)
        }
        if let rule = type.delegationRules.first { throw .delegated(rule) }
        return type
    }
}
