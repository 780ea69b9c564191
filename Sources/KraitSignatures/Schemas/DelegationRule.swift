/// Why Krait leaves a question to Python instead of answering it.
///
/// A rule is part of a routing decision: a call that one applies to goes to a Python pool. New
/// rules may be added.
public struct DelegationRule: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The rule's name, as decisions and reports have it.
    public let rawValue: String
    /// A rule of this name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The rule's name.
    public var description: String { rawValue }

    /// What the rule says, for a person.
    public var explanation: String { Self.explanations[self] ?? rawValue }

    /// A name that Python finds by importing a module, such as `datetime.datetime`.
    public static let module = DelegationRule(rawValue: "module")
    /// A name that DSPy finds in its own frames when it is called from Python.
    public static let callerFrame = DelegationRule(rawValue: "caller_frame")
    /// A name of `dspy` that is not one of its field types.
    public static let dspyName = DelegationRule(rawValue: "dspy_name")
    /// A name of `typing` whose meaning depends on Python's and pydantic's versions.
    public static let typingName = DelegationRule(rawValue: "typing_name")
    /// A name that begins with an underscore.
    public static let privateName = DelegationRule(rawValue: "private_name")
    /// A type written as a string, which pydantic resolves.
    public static let forwardReference = DelegationRule(rawValue: "forward_reference")
    /// Arguments that only the class they are given to can judge.
    public static let typeArguments = DelegationRule(rawValue: "type_arguments")
    /// Something other than a constant in `Literal[…]` or behind `Annotated`'s type.
    public static let metadata = DelegationRule(rawValue: "metadata")
    /// `Field(…)` in an annotation.
    public static let fieldCall = DelegationRule(rawValue: "field_call")
    /// An f-string.
    public static let formattedString = DelegationRule(rawValue: "formatted_string")
    /// `\N{…}` in a string.
    public static let namedCharacter = DelegationRule(rawValue: "named_character")
    /// Half of a surrogate pair in a string, which no Swift text can hold.
    public static let surrogate = DelegationRule(rawValue: "surrogate")
    /// Python code behind the field list.
    public static let beyondFields = DelegationRule(rawValue: "beyond_fields")
    /// Nesting so deep that Python's own limits decide.
    public static let depth = DelegationRule(rawValue: "depth")
    /// A field name with which pydantic does something of its own.
    public static let specialName = DelegationRule(rawValue: "special_name")
    /// A value whose coercion only pydantic can judge.
    public static let coercion = DelegationRule(rawValue: "coercion")
    /// A class that comes with a signature and of which not enough is declared.
    public static let declaredType = DelegationRule(rawValue: "declared_type")
    /// A type whose JSON Schema depends on pydantic's finer choices.
    public static let jsonSchema = DelegationRule(rawValue: "json_schema")
    /// A JSON Schema that repeats the documentation of a class of DSPy's.
    public static let classDocumentation = DelegationRule(rawValue: "class_documentation")
    /// Markup beyond elements, text, references and comments, which only expat can judge.
    public static let markup = DelegationRule(rawValue: "markup")

    /// A text whose repair would take more than a bounded number of steps per character.
    public static let effort = DelegationRule(rawValue: "effort")

    /// A value of a class that is known by its name alone.
    public static let declaredClass = DelegationRule(rawValue: "declared_class")
    /// A value of one of DSPy's own types, whose classes read text in their own ways.
    public static let customType = DelegationRule(rawValue: "custom_type")
    /// A set whose elements are wanted in its order.
    public static let setOrder = DelegationRule(rawValue: "set_order")

    /// Every rule there is, for documentation and its checks.
    public static let all: [DelegationRule] = [
        .module, .callerFrame, .dspyName, .typingName, .privateName, .forwardReference,
        .typeArguments, .metadata, .fieldCall, .formattedString, .namedCharacter, .surrogate,
        .beyondFields, .depth, .specialName, .coercion, .declaredType, .jsonSchema,
        .classDocumentation, .markup, .effort, .declaredClass, .customType, .setOrder,
    ]

    private static let explanations: [DelegationRule: String] = [
        .module: "a name that Python finds by importing a module",
        .callerFrame: "a name that DSPy finds in its caller's frames",
        .dspyName: "a name of dspy that is not one of its field types",
        .typingName: "a name of typing that means different things by version",
        .privateName: "a name that begins with an underscore",
        .forwardReference: "a type written as a string",
        .typeArguments: "arguments that only the class itself can judge",
        .metadata: "something other than constants as metadata",
        .fieldCall: "a call of Field in an annotation",
        .formattedString: "an f-string",
        .namedCharacter: "a character by its Unicode name",
        .surrogate: "half of a surrogate pair",
        .beyondFields: "Python code behind the field list",
        .depth: "nesting too deep to judge natively",
        .specialName: "a field name that pydantic treats in its own way",
        .coercion: "a value that only pydantic can coerce",
        .declaredClass: "a value of a class that only the worker can judge",
        .customType: "a value of one of DSPy's own types",
        .setOrder: "the order of a set's elements",
        .effort: "a text whose repair takes more than linear time",
        .declaredType: "a class of which not enough is declared",
        .jsonSchema: "a type whose JSON Schema depends on pydantic's finer choices",
        .classDocumentation: "a JSON Schema that repeats a DSPy class's documentation",
        .markup: "markup that only expat can judge",
    ]
}
