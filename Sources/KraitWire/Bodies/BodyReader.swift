/// Takes the map of a body apart, with the place in every error.
///
/// Keys nobody asks for are left alone, so that a newer peer may say more.
struct BodyReader {
    private let map: ValueMap
    private let path: [CodingFailure.Step]

    init(_ value: Value, at path: [CodingFailure.Step] = []) throws(WireError) {
        guard let map = value.map else {
            throw Self.malformed(path, "expected a map, found \(value.kindName)")
        }
        (self.map, self.path) = (map, path)
    }

    /// A name or other short text that programs read; longer than `limit` bytes is an error.
    func text(_ key: String, limit: Int = Limits.nameBytes) throws(WireError) -> String {
        let value = try value(key)
        guard let text = value.string else { throw wrongKind(key, "text", value) }
        guard text.utf8.count <= limit else {
            throw malformed(
                key,
                "\(text.utf8.count) bytes of text, where at most \(limit) are allowed"
            )
        }
        return text
    }

    /// A text that people read: missing or null is empty, what is beyond the limit is cut off.
    func prose(_ key: String, limit: Int, keeping part: Prose = .start) throws(WireError) -> String
    {
        switch map[key] {
        case nil, .null: return ""
        case .string(let text): return part.cut(text, to: limit)
        case .some(let value): throw wrongKind(key, "text", value)
        }
    }

    /// An integer within a range.
    func integer<T: FixedWidthInteger>(
        _ key: String,
        in range: ClosedRange<T> = 0...T.max
    ) throws(WireError) -> T {
        try Self.integer(try value(key), in: range, at: path + [.key(key)])
    }

    /// Whether there is such a key.
    func has(_ key: String) -> Bool { map[key] != nil }

    /// A list of at most `limit` elements.
    func list(_ key: String, limit: Int) throws(WireError) -> [Value] {
        let value = try value(key)
        guard let list = value.list else { throw wrongKind(key, "a list", value) }
        guard list.count <= limit else {
            throw malformed(key, "\(list.count) elements, where at most \(limit) are allowed")
        }
        return list
    }

    /// A map; missing or null is empty.
    func optionalMap(_ key: String) throws(WireError) -> ValueMap {
        switch map[key] {
        case nil, .null: return [:]
        case .map(let map): return map
        case .some(let value): throw wrongKind(key, "a map", value)
        }
    }

    /// One of the words of an enum.
    func word<T>(_ key: String, as type: T.Type = T.self) throws(WireError) -> T
    where T: RawRepresentable<String> & CaseIterable {
        let text = try text(key)
        guard let word = T(rawValue: text) else {
            let words = T.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw malformed(key, "expected one of \(words)")
        }
        return word
    }

    func malformed(_ key: String, _ reason: String) -> WireError {
        Self.malformed(path + [.key(key)], reason)
    }

    static func malformed(_ path: [CodingFailure.Step], _ reason: String) -> WireError {
        .malformedBody(path: CodingFailure.path(of: path), reason: reason)
    }

    static func integer<T: FixedWidthInteger>(
        _ value: Value,
        in range: ClosedRange<T>,
        at path: [CodingFailure.Step]
    ) throws(WireError) -> T {
        let integer: T?
        switch value {
        case .int(let number): integer = T(exactly: number)
        case .unsigned(let number): integer = T(exactly: number)
        default: throw malformed(path, "expected an integer, found \(value.kindName)")
        }
        guard let integer, range.contains(integer) else {
            throw malformed(path, "expected \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    private func value(_ key: String) throws(WireError) -> Value {
        guard let value = map[key] else { throw malformed(key, "is missing") }
        return value
    }

    private func wrongKind(_ key: String, _ wanted: String, _ found: Value) -> WireError {
        malformed(key, "expected \(wanted), found \(found.kindName)")
    }
}

/// Which end of a text for people stays where it is too long.
enum Prose {
    case start
    case end

    /// The text, or as many whole scalars of this end as fit into `limit` bytes.
    func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        // A slice of scalars begins and ends at whole ones: an index within one is rounded down.
        switch self {
        case .start:
            let end = text.utf8.index(text.startIndex, offsetBy: limit)
            return String(text.unicodeScalars[..<end])
        case .end:
            let start = text.utf8.index(text.endIndex, offsetBy: -limit)
            let rest = text.unicodeScalars[start...]
            return String(String(rest).utf8.count > limit ? rest.dropFirst() : rest)
        }
    }
}
