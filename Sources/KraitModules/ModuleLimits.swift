/// The bounds of native modules.
enum ModuleLimits {
    /// How many signatures are kept ready.
    static let signatures = 256
    /// How many demos a prediction takes.
    static let demos = 1_024
    /// How many steps an agent takes at most.
    static let iterations = 100
    /// How many attempts are compared, or made.
    static let attempts = 256
    /// How many predictors a saved program has.
    static let predictors = 4_096
    /// How deep the schema of a tool's argument may be nested, references followed.
    static let schemaDepth = 64
}
