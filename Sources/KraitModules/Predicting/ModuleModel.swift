import KraitLM

/// A language model as native modules use it, with what they must know of it.
package struct ModuleModel: Sendable {
    let model: any LanguageModel
    /// The name under which usage is told.
    let name: String
    /// What the model's own settings say.
    let temperature: Double?
    /// How JSONAdapter is to ask for JSON; nil leaves its turn to Python, which has a catalogue.
    let structure: StructuredOutput?

    package init(
        _ model: any LanguageModel,
        named name: String,
        temperature: Double? = nil,
        structure: StructuredOutput?
    ) {
        self.model = model
        self.name = name
        self.temperature = temperature
        self.structure = structure
    }

    /// An `LM` with its own name and settings.
    package init(_ lm: LM, structure: StructuredOutput?) {
        self.init(
            lm,
            named: lm.model,
            temperature: lm.parameters.temperature,
            structure: structure
        )
    }
}
