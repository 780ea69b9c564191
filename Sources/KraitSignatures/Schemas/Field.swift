import KraitWire

/// One input or output of a signature.
public struct Field: Sendable, Hashable {
    /// The name, as Python keeps it: in Unicode's normal form KC.
    public internal(set) var name: String
    /// What its values are.
    public var type: TypeExpression
    /// What somebody said about it; nil for DSPy's placeholder.
    ///
    /// Most fields have none, and making
    /// their texts is most of the work of parsing: they are made when they are asked for.
    private var givenDescription: String?
    private var givenPrefix: String?
    /// DSPy's mark on an input that came from text: whether its type was left out.
    ///
    /// DSPy's equality tells a missing mark from false.
    var typeMark: Bool?
    /// What a prompt says about the values that are allowed, as DSPy words pydantic's constraints.
    package var constraints: String?
    /// What an output is where a completion leaves it out.
    package var fallback: Value?

    /// A field; without `description` and `prefix` it gets DSPy's.
    public init(
        _ name: String,
        type: TypeExpression = .str,
        description: String? = nil,
        prefix: String? = nil
    ) {
        self.init(name, type: type, description: description, prefix: prefix, typeMark: nil)
    }

    init(
        _ name: String,
        type: TypeExpression,
        description: String? = nil,
        prefix: String? = nil,
        typeMark: Bool?
    ) {
        self.name = name
        self.type = type
        self.typeMark = typeMark
        if let description { self.description = description }
        if let prefix { self.prefix = prefix }
    }

    /// What a prompt says about the field; `${name}`, DSPy's placeholder, says nothing.
    public var description: String {
        get { givenDescription ?? Self.placeholder(name) }
        set { givenDescription = newValue == Self.placeholder(name) ? nil : newValue }
    }

    /// The name for people, as DSPy infers it: `Is HTTP Secure:`.
    public var prefix: String {
        get { givenPrefix ?? FieldPrefix.infer(from: name) + ":" }
        set { givenPrefix = newValue == FieldPrefix.infer(from: name) + ":" ? nil : newValue }
    }

    /// An input for which the signature's text names no type: DSPy then says `str` and takes
    /// anything.
    public var isTypeUndefined: Bool { typeMark ?? false }

    /// Whether somebody described it.
    public var isDescribed: Bool { givenDescription != nil }

    private static func placeholder(_ name: String) -> String { "${" + name + "}" }
}

/// The two sides of a signature.
public enum FieldKind: String, Sendable, Hashable {
    /// Given to the prediction.
    case input
    /// Made by it.
    case output
}
