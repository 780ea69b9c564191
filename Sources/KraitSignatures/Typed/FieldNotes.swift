/// Descriptions of fields, by key path: `[\Output.reply: "At most three sentences."]`.
///
/// A renamed property fails to compile. The field's name is read from the key path when the schema
/// is derived, and what is no stored property of `Input` or `Output` is an error then.
public struct FieldNotes: Sendable, ExpressibleByDictionaryLiteral {
    /// A note as the key path gave it.
    struct Note: Sendable {
        var root: ObjectIdentifier
        var rootName: String
        /// The key path as Swift prints it, without the root: `reply`, `author.name`.
        var path: String
        var text: String
    }

    let notes: [Note]

    /// No notes.
    public init() { notes = [] }

    /// Notes as a literal; of a key path that comes twice the last one counts.
    public init(dictionaryLiteral elements: (AnyKeyPath, String)...) {
        notes = elements.map { keyPath, text in
            let root = type(of: keyPath).rootType
            let prefix = "\\\(root)."
            let printed = keyPath.debugDescription
            let path = printed.hasPrefix(prefix) ? String(printed.dropFirst(prefix.count)) : printed
            return Note(root: ObjectIdentifier(root), rootName: "\(root)", path: path, text: text)
        }
    }
}
