import KraitSignatures
import KraitWire

/// A text with places to fill in, in Jinja's language, compiled once and rendered often.
///
/// ```
/// Question: {{ question }}
/// {% for passage in passages %}
/// [{{ loop.index }}] {{ passage.text | trim }}
/// {%- endfor %}
/// {% if note %}Note: {{ note }}{% else %}No note.{% endif %}
/// {# a comment #}
/// ```
///
/// What renders here renders the same in Python's Jinja 3.1 with the same options and
/// `autoescape` off. What Jinja has and this engine does not is an error that names it: the
/// filters `random`, `urlize` and `pprint`, `lipsum`, `autoescape true`, translations, `format` and
/// other rare methods of text, integers of more than 64 bits, and everything that prints an
/// address. A template reaches the values it is given, other templates of its loader, and the
/// functions of its options; values it cannot change, so that `append` and the like are errors.
public struct TextTemplate: Sendable {
    let unit: TemplateUnit
    let names: [TemplateName]
    private let environment: TemplateEnvironment

    /// Compiles a template, or takes it from the cache of those compiled before.
    ///
    /// - Parameters:
    ///   - name: what errors call it.
    ///   - loader: where templates that it includes, imports or extends come from.
    public init(
        parsing text: String,
        name: String? = nil,
        options: TemplateOptions = TemplateOptions(),
        loader: (any TemplateLoader)? = nil,
        cache: TemplateCache = .shared
    ) throws(TemplateError) {
        let compiled = try cache.template(of: text, name: name, options: options)
        (unit, names) = (compiled.unit, compiled.names)
        environment = TemplateEnvironment(options: options, loader: loader, cache: cache)
    }

    /// Fills in the values; bounded by the options' limits.
    ///
    /// Synchronous and without I/O, but for what the loader and the functions given do. The error
    /// has line, column and, where the template has one, its name.
    public func render(_ values: ValueMap) throws(TemplateError) -> String {
        let context = TemplateContext(values: values, isRead: unit.readsVariables)
        var rendering = Rendering(
            environment,
            unit: unit,
            context: context,
            stackBase: Rendering.stackAddress()
        )
        defer { rendering.takeApart() }
        do throws(TemplateError) {
            try rendering.keep(context)
            if unit.readsVariables {
                try rendering.runRoot(unit, context)
            } else {
                try rendering.runBody(of: unit)
            }
            try rendering.check(length: rendering.output.count)
        } catch {
            var error = error.placed(at: rendering.position, in: rendering.unit.name)
            if let name = error.missingName, values[name] == nil {
                error.reason += TemplateError.remedy(for: name, among: values.keys)
                error.missingName = nil
            }
            throw error
        }
        return String(decoding: rendering.output, as: UTF8.self)
    }

    /// The names that the template asks its values for, each once, in the order of their use.
    ///
    /// Not those that are only asked for with `is defined` or given a `default`, nor those of
    /// templates that it includes.
    public var inputNames: [String] {
        var seen: Set<String> = []
        return names.map(\.name).filter { seen.insert($0).inserted }
    }

    /// Throws for the first name that is not among those that the input will have.
    ///
    /// This finds a misspelled name before the template is ever rendered, in an `if` too.
    public func check(names given: [String]) throws(TemplateError) {
        let known = Set(given).union(environment.options.functions.keys)
        for name in names where !known.contains(name.name) {
            throw TemplateError.unknown(name, among: given, in: unit.name)
        }
    }

    /// All names that the template asks for and a signature's inputs do not have, as errors with
    /// their places; empty where the template fits.
    public func mistakes(against schema: Schema) -> [TemplateError] {
        let given = schema.inputs.map(\.name)
        let known = Set(given).union(environment.options.functions.keys)
        return names.filter { !known.contains($0.name) }
            .map { TemplateError.unknown($0, among: given, in: unit.name) }
    }

    /// Throws for the first name that a signature's inputs do not have.
    public func validate(against schema: Schema) throws(TemplateError) {
        if let first = mistakes(against: schema).first { throw first }
    }
}

extension TemplateError {
    fileprivate static func unknown(
        _ name: TemplateName,
        among names: [String],
        in template: String?
    ) -> TemplateError {
        let reason = "there is no \(name.name)\(remedy(for: name.name, among: names))"
        return TemplateError(.undefined, reason).placed(at: name.position, in: template)
    }
}

/// Where templates come from that others include, import or extend.
public protocol TemplateLoader: Sendable {
    /// The text of that name, or nil where there is none. Called while rendering: no waiting.
    func text(of name: String) -> String?
}

/// Templates by name, in memory.
public struct TemplateLibrary: TemplateLoader, ExpressibleByDictionaryLiteral {
    private let texts: [String: String]

    /// Templates by name.
    public init(_ texts: [String: String]) { self.texts = texts }

    /// Templates by name; of a name that comes twice the last one stays.
    public init(dictionaryLiteral elements: (String, String)...) {
        texts = Dictionary(elements) { $1 }
    }

    /// The text of that name, or nil.
    public func text(of name: String) -> String? { texts[name] }
}
