/// One argument of a command, declared once: what is parsed, checked and shown in `--help`.
///
/// A command keeps its arguments as static constants and reads `arguments[Self.timeout]`; the value
/// is always there, because what was not given has its default.
struct Argument<Value: Sendable>: Sendable {
    let parameter: Parameter
}

/// An argument without its type: what the parser and the help need of it.
struct Parameter: Sendable {
    enum Kind: Sendable, Equatable {
        /// `--json`: there or not.
        case flag
        /// `--timeout 30s` or `--timeout=30s`.
        case option(placeholder: String)
        /// By its place.
        case positional
    }

    let name: String
    let kind: Kind
    let help: String
    /// The default as `--help` shows it; nil for none.
    var defaultText: String?
    var isRepeatable = false
    var isRequired = false
    /// Understood, and not shown: how a daemon is told by the one that starts it.
    var isHidden = false
    /// The value of an argument that was not given.
    let initial: any Sendable
    /// Lays a text over the value so far.
    let read: @Sendable (any Sendable, String) throws(TextProblem) -> any Sendable

    /// How a usage line and an error call it: `--timeout`, or `OPERATION`.
    var title: String { kind == .positional ? name : "--\(name)" }
}

extension Argument where Value == Bool {
    /// A flag: false unless given.
    static func flag(_ name: String, _ help: String) -> Argument {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .flag,
                help: help,
                initial: false,
                read: { _, _ throws(TextProblem) in true }
            )
        )
    }
}

extension Argument {
    /// An option that has a default.
    static func option(
        _ name: String,
        _ placeholder: String,
        _ form: TextForm<Value>,
        default initial: Value,
        _ help: String
    ) -> Argument {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .option(placeholder: placeholder),
                help: help,
                defaultText: form.write(initial),
                initial: initial,
                read: { _, text throws(TextProblem) in try form.read(text) }
            )
        )
    }

    /// An option that need not be given and has no default.
    static func option<Wrapped>(
        _ name: String,
        _ placeholder: String,
        _ form: TextForm<Wrapped>,
        hidden: Bool = false,
        _ help: String
    ) -> Argument where Value == Wrapped? {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .option(placeholder: placeholder),
                help: help,
                isHidden: hidden,
                initial: Wrapped?.none,
                read: { _, text throws(TextProblem) in Wrapped?.some(try form.read(text)) }
            )
        )
    }

    /// An option that may be given several times.
    static func repeated<Element>(
        _ name: String,
        _ placeholder: String,
        _ form: TextForm<Element>,
        _ help: String
    ) -> Argument where Value == [Element] {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .option(placeholder: placeholder),
                help: help,
                isRepeatable: true,
                initial: [Element](),
                read: { soFar, text throws(TextProblem) in
                    (soFar as? [Element] ?? []) + [try form.read(text)]
                }
            )
        )
    }
}

extension Argument where Value == String {
    /// An argument that must be given, by its place.
    static func positional(_ name: String, _ help: String) -> Argument {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .positional,
                help: help,
                isRequired: true,
                initial: "",
                read: { _, text throws(TextProblem) in text }
            )
        )
    }
}

extension Argument where Value == Int {
    /// A number that must be given, by its place.
    static func positional(_ name: String, _ form: TextForm<Int>, _ help: String) -> Argument {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .positional,
                help: help,
                isRequired: true,
                initial: 0,
                read: { _, text throws(TextProblem) in try form.read(text) }
            )
        )
    }
}

extension Argument {
    /// An argument that may be left out, by its place behind those that must be given.
    static func optional<Wrapped>(
        _ name: String,
        _ form: TextForm<Wrapped>,
        _ help: String
    ) -> Argument where Value == Wrapped? {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .positional,
                help: help,
                initial: Wrapped?.none,
                read: { _, text throws(TextProblem) in Wrapped?.some(try form.read(text)) }
            )
        )
    }
}

extension Argument where Value == [String] {
    /// What stands after the other positional arguments, any number of it.
    static func rest(_ name: String, _ help: String) -> Argument {
        Argument(
            parameter: Parameter(
                name: name,
                kind: .positional,
                help: help,
                isRepeatable: true,
                initial: [String](),
                read: { soFar, text throws(TextProblem) in (soFar as? [String] ?? []) + [text] }
            )
        )
    }
}
