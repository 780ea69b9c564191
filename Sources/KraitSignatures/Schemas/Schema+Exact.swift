extension Schema {
    /// A schema of fields and instructions as they are, without reading or cleaning any text.
    ///
    /// For what DSPy made already: a class's fields may have types that no signature's text can
    /// name, and instructions are not cleaned a second time.
    package init(
        exactly inputs: [Field],
        _ outputs: [Field],
        instructions: String,
        types: [TypeDeclaration]
    ) {
        func list(_ fields: [Field]) -> String {
            fields.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
        }
        self.inputs = inputs
        self.outputs = outputs
        self.instructions = instructions
        self.types = types
        text = list(inputs) + " -> " + list(outputs)
        givenInstructions = instructions
    }
}
