import KraitPrompts
import KraitRouting
import KraitSignatures
import KraitWire

/// Fills a template with the fields of its input: native, without a call.
///
/// ```swift
/// Template("{{ urgency }}: {{ reply }}", of: Triage.Output.self)
/// ```
///
/// The text is compiled once, when the step is made. What does not parse, or names what a `Codable`
/// type does not have, is an error when the pipeline is validated or first run, with line and
/// column. See `TextTemplate` for the language, which is Jinja's; what Jinja would print as
/// nothing, a name that the input does not have, is an error here unless it stands in an `if`.
public struct Template<Input: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Template" }
    private let template: Result<TextTemplate, TemplateError>
    private let values: @Sendable (Input) throws -> Value

    private init(
        _ text: String,
        names: [String]? = nil,
        _ values: @escaping @Sendable (Input) throws -> Value
    ) {
        template = Result { () throws(TemplateError) in
            var options = TemplateOptions()
            options.undefinedNames = .checked
            let template = try TextTemplate(parsing: text, options: options)
            if let names { try template.check(names: names) }
            return template
        }
        self.values = values
    }

    /// A template over the properties of a type, by the names that it is encoded with.
    public init(_ text: String, of input: Input.Type) where Input: Encodable {
        self.init(text) { try ValueEncoder().encode($0) }
    }

    /// A template over the properties of a type whose names are known before there is a value.
    ///
    /// A name that the type does not have is then found as early as a text that does not parse. A
    /// type from which no schema can be derived is checked when the template is filled in.
    public init(_ text: String, of input: Input.Type) where Input: Codable {
        let schema = try? Schema(of: PropertiesOf<Input>.self)
        self.init(text, names: schema?.inputs.map(\.name)) { try ValueEncoder().encode($0) }
    }

    /// Fills the template in; a name that the input does not have is `invalid_input` with its
    /// place.
    public func run(_ input: Input, in context: RunContext) async throws(CallError) -> String {
        do {
            let value = try values(input)
            guard let map = value.map else {
                let what = "A template takes a type with fields, not \(value.kindName)."
                throw CallError(.invalidInput, what)
            }
            return try template.get().render(map)
        } catch {
            throw Self.failure(error)
        }
    }

    /// Finds a template that does not parse.
    public func validate(in context: RunContext) throws(CallError) {
        if case .failure(let error) = template { throw Self.failure(error) }
    }

    private static func failure(_ error: any Error) -> CallError {
        switch error {
        case let error as CallError: error
        case let error as TemplateError:
            CallError(.invalidInput, "The template does not fit, \(error).")
        default: .raised(by: error, in: "The encoding of \(Input.self)")
        }
    }
}

extension Template where Input == ValueMap {
    /// A template over a map's entries.
    public init(_ text: String) {
        self.init(text) { .map($0) }
    }
}

/// A signature over any type, so that the schema of its inputs names the type's properties.
private struct PropertiesOf<Input: Codable & Sendable>: Signature {
    struct Output: Codable, Sendable { var textOfTheTemplate: String }
}
