import KraitSignatures
import KraitWire

/// A text with places to fill in, compiled once: a small part of Jinja.
///
/// ```
/// Question: {{ question }}
/// {% for passage in passages %}
/// [{{ loop.index }}] {{ passage.text }}
/// {%- endfor %}
/// {% if note %}Note: {{ note }}{% else %}No note.{% endif %}
/// {# a comment #}
/// ```
///
/// Names with dots, `for … in`, `if`, `if not`, `else`, comments, and `-` inside a tag to take the
/// white space beside it away. What renders here renders the same in Jinja with its default
/// settings (a line break at the template's very end is dropped, as there), except for a map's
/// entry that is named as one of Python's `dict` methods. What Jinja would print as nothing is an
/// error here: a name that the input does not have is a mistake, unless it stands in an `if`. Lists
/// and maps are not printed.
public struct TextTemplate: Sendable, Hashable {
    let nodes: [Node]

    /// Compiles a template of at most 1 MiB.
    public init(parsing text: String) throws(TemplateError) {
        var parser = try TemplateParser(text)
        nodes = try parser.parse()
    }

    /// Fills in the values.
    ///
    /// Bounded: the text has at most 64 MiB and a million repetitions of loops make it, all loops
    /// counted.
    public func render(_ values: ValueMap) throws(TemplateError) -> String {
        var renderer = TemplateRenderer(values: values)
        try renderer.render(nodes)
        return renderer.text
    }

    /// Throws for the first name that is not among those that the input will have.
    ///
    /// This finds a misspelled name before the template is ever rendered, in an `if` too.
    public func check(names: [String]) throws(TemplateError) {
        try Self.check(nodes, names)
    }

    /// A place in the template's text, in lines and scalars from 1.
    struct Position: Sendable, Hashable {
        var line: Int
        var column: Int
    }

    /// A name such as `passage.text`.
    struct Reference: Sendable, Hashable {
        var names: [String]
        var position: Position

        var text: String { names.joined(separator: ".") }
    }

    /// A piece of a compiled template.
    indirect enum Node: Sendable, Hashable {
        case text(String)
        case value(Reference)
        case loop(variable: String, over: Reference, body: [Node])
        case condition(Reference, negated: Bool, then: [Node], otherwise: [Node])
    }

    private static func check(_ nodes: [Node], _ names: [String]) throws(TemplateError) {
        for node in nodes {
            switch node {
            case .text: break
            case .value(let reference):
                try check(reference, names)
            case .loop(let variable, let over, let body):
                try check(over, names)
                try check(body, names + [variable, "loop"])
            case .condition(let reference, _, let then, let otherwise):
                try check(reference, names)
                try check(then, names)
                try check(otherwise, names)
            }
        }
    }

    private static func check(
        _ reference: Reference,
        _ names: [String]
    ) throws(TemplateError) {
        guard let name = reference.names.first, !names.contains(name) else { return }
        throw .unknown(reference, name, among: names)
    }
}

extension TemplateError {
    static func unknown(
        _ reference: TextTemplate.Reference,
        _ name: String,
        among names: [String]
    ) -> TemplateError {
        let shown = names.prefix(12).joined(separator: ", ")
        let remedy =
            if let near = NearestName.find(name, among: names) {
                "did you mean \(near)?"
            } else if names.isEmpty {
                "there are none"
            } else {
                "there are: \(shown)\(names.count > 12 ? ", …" : "")"
            }
        let place = reference.names.count > 1 ? " of \(reference.text)" : ""
        return TemplateError(reference.position, "there is no \(name)\(place); \(remedy)")
    }
}
