/// A typed operation: what a prediction is given and what it makes, as Swift types.
///
/// ```swift
/// struct Triage: Signature {
///     static let instructions = "Sort a support message and draft a reply."
///     struct Input: Codable, Sendable { var message: String }
///     struct Output: Codable, Sendable {
///         var urgency: Urgency        // enum Urgency: String, Codable, CaseIterable
///         var reply: String
///     }
///     static let notes: FieldNotes = [\Output.reply: "At most three sentences."]
/// }
/// ```
///
/// Names, types, optionals and cases come from the types themselves; `notes` describe fields. Both
/// have defaults: DSPy's standard instructions, and no notes.
public protocol Signature: Sendable {
    /// What the prediction is given; a struct whose properties become fields.
    associatedtype Input: Codable & Sendable
    /// What the prediction makes; a struct whose properties become fields.
    associatedtype Output: Codable & Sendable
    /// What is to be done.
    static var instructions: String { get }
    /// Descriptions of fields.
    static var notes: FieldNotes { get }
    /// The schema, by default derived from `Input`, `Output`, `instructions` and `notes`.
    ///
    /// Derived once for each type and kept, so `instructions` and `notes` must not change. A
    /// signature whose types decode themselves in a way that accepts no placeholders gives its own.
    static var schema: Schema { get throws(SchemaError) }
}

extension Signature {
    /// None: DSPy's standard text.
    public static var instructions: String { "" }

    /// None.
    public static var notes: FieldNotes { FieldNotes() }

    /// The schema that the types say.
    public static var schema: Schema {
        get throws(SchemaError) { try TypedSchemas.schema(of: Self.self) }
    }
}

extension Schema {
    /// The schema of a typed signature.
    public init<S: Signature>(of signature: S.Type) throws(SchemaError) {
        self = try signature.schema
    }
}
