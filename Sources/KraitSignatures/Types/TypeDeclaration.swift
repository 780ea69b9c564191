import KraitWire

/// A type that comes with a signature: its text may name it, and the worker makes a class of it.
public struct TypeDeclaration: Sendable, Hashable {
    /// The name that the text uses.
    public var name: String
    /// What it is.
    public var kind: Kind
    /// The documentation of the class, which its JSON Schema repeats.
    package var documentation: String?
    /// What a worker said about a class that only Python knows; nil where none was asked.
    package var facts: TypeFacts?

    /// What a declaration makes.
    public enum Kind: Sendable, Hashable {
        /// A pydantic model.
        case model([ModelField])
        /// An enumeration.
        case enumeration([Case])
        /// A class that only the worker's own code knows: carried by name alone.
        case known
    }

    /// A field of a model; `type` is text as in a signature and may name other declarations.
    public struct ModelField: Sendable, Hashable {
        /// The field's name.
        public var name: String
        /// Its type as text.
        public var type: String
        /// What the model's schema says about it.
        public var description: String?
        /// What is known of a class that somebody else wrote; nil for one that the worker makes of
        /// this declaration, where a field that may be `None` is that by default.
        package var presence: Presence?

        /// A field of a model.
        public init(_ name: String, type: String, description: String? = nil) {
            self.name = name
            self.type = type
            self.description = description
        }
    }

    /// What a model's field is where nothing is given for it.
    package enum Presence: Sendable, Hashable {
        /// An error.
        case required
        /// This value.
        case constant(Value)
        /// What some function makes.
        case made
    }

    /// A case of an enumeration and the value that stands for it in text and JSON.
    public struct Case: Sendable, Hashable {
        /// The name of the enumeration's member.
        public var name: String
        /// What stands for it in text and JSON.
        public var value: Value

        /// A case of an enumeration.
        public init(_ name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// A declaration of any kind.
    public init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }

    /// A pydantic model of these fields.
    public static func model(_ name: String, _ fields: [ModelField]) -> TypeDeclaration {
        TypeDeclaration(name, .model(fields))
    }

    /// An enumeration of these cases.
    public static func enumeration(_ name: String, _ cases: [Case]) -> TypeDeclaration {
        TypeDeclaration(name, .enumeration(cases))
    }

    /// What prompts need to know of a class that only Python knows.
    package struct TypeFacts: Sendable, Hashable {
        /// Whether DSPy's `Type` is among its bases.
        package var isDSPyType: Bool
        /// What its `description()` says.
        package var description: String
        /// Whether DSPy's `Code` is among its bases.
        package var isCode: Bool

        package init(isDSPyType: Bool = false, description: String = "", isCode: Bool = false) {
            self.isDSPyType = isDSPyType
            self.description = description
            self.isCode = isCode
        }
    }
}
