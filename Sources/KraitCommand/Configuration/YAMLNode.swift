import KraitWire

/// A place in a configuration file, counted from 1.
struct SourcePosition: Hashable, Sendable, Comparable {
    let line: Int
    let column: Int

    static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A node of a YAML file, with its place.
///
/// Aliases and merge keys (`<<`) are resolved already.
struct YAMLNode: Sendable, Equatable {
    let position: SourcePosition
    let content: Content

    enum Content: Sendable, Equatable {
        /// A text; a plain one (without quotation marks) may stand for another kind of value.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        /// In the file's order, each key once.
        case map([Entry])
    }

    struct Entry: Sendable, Equatable {
        let key: String
        let position: SourcePosition
        let value: YAMLNode
    }

    /// What to call this kind of node in a message to a person.
    var kindName: String {
        switch content {
        case .scalar(let text, let isPlain): isPlain && Self.isNull(text) ? "nothing" : "a text"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// Whether this says that there is no value: `null`, `~`, or nothing at all.
    var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content { Self.isNull(text) } else { false }
    }

    private static func isNull(_ text: String) -> Bool { ["", "~", "null"].contains(text) }

    /// The node as a value, for settings whose form is an adapter's business.
    ///
    /// Plain scalars follow YAML 1.2's core schema: `true`, `false`, `null`, integers and floats;
    /// everything else is text (`yes`, `on` and `2026-01-02` too).
    var value: Value {
        switch content {
        case .list(let elements): return .list(elements.map(\.value))
        case .map(let entries):
            return .map(ValueMap(entries.map { ($0.key, $0.value.value) }))
        case .scalar(let text, isPlain: false): return .string(text)
        case .scalar(let text, isPlain: true):
            if Self.isNull(text) { return .null }
            switch text {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case ".inf", "+.inf": return .double(.infinity)
            case "-.inf": return .double(-.infinity)
            case ".nan": return .double(.nan)
            default: return Self.number(text) ?? .string(text)
            }
        }
    }

    private static func number(_ text: String) -> Value? {
        if let integer = Int64(text) { return .int(integer) }
        if let integer = UInt64(text) { return .unsigned(integer) }
        // `Double` also takes `nan`, `infinity` and hexadecimal, which are texts here.
        let isDecimal = text.utf8.allSatisfy { $0.isASCIIDigit || "+-.eE".utf8.contains($0) }
        guard isDecimal, text.utf8.contains(where: \.isASCIIDigit) else { return nil }
        return Double(text).map(Value.double)
    }
}
