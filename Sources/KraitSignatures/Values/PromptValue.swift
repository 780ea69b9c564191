/// How DSPy writes a value into a prompt.
package enum PromptValue {
    /// The text of a field's value: DSPy's `format_field_value`.
    ///
    /// `isTextField` says that the field's type is `str`: a list becomes numbered passages there.
    /// Throws what Python raises for a list whose elements cannot be passages.
    package static func format(
        _ value: PythonValue,
        isTextField: Bool
    ) throws(ValueFailure) -> String {
        if case .list(let items) = value, isTextField { return try passages(items) }
        let plain = serialized(value)
        switch plain {
        case .dict, .list: return try JSONText.write(plain)
        default: return plain.text
        }
    }

    /// The same for what crosses the wire.
    package static func format(
        _ value: PythonValue,
        as type: TypeExpression
    ) throws(ValueFailure) -> String {
        try format(value, isTextField: type == .str)
    }

    /// As what it goes into JSON: DSPy's `serialize_for_json`.
    ///
    /// What pydantic cannot serialize becomes its `str(…)` where it stands; only bytes that are not
    /// UTF-8 and keys that are no text turn the whole into its `str(…)`.
    package static func serialized(_ value: PythonValue) -> PythonValue {
        if case .float = value { return value }
        return plain(value) ?? .string(value.text)
    }

    /// pydantic gives up on what nests deeper.
    private static let depthLimit = 255

    /// Nil where pydantic gives up.
    private static func plain(_ value: PythonValue, depth: Int = 0) -> PythonValue? {
        guard depth <= depthLimit else { return nil }
        switch value {
        case .none, .bool, .int, .largeInteger, .string: return value
        case .float(let number): return number.isFinite ? value : PythonValue.none
        case .complex(let real, let imaginary): return .string(complex(real, imaginary))
        case .ellipsis: return .string(value.text)
        case .bytes(let bytes):
            return String(validating: bytes, as: UTF8.self).map(PythonValue.string)
        case .list(let items), .tuple(let items), .set(let items), .frozenset(let items):
            var result: [PythonValue] = []
            result.reserveCapacity(items.count)
            for item in items {
                guard let item = plain(item, depth: depth + 1) else { return nil }
                result.append(item)
            }
            return .list(result)
        case .dict(let dict):
            var isText = true
            var entries: [(PythonValue, PythonValue)] = []
            entries.reserveCapacity(dict.count)
            for entry in dict.entries {
                guard let key = key(entry.key), let item = plain(entry.value, depth: depth + 1)
                else { return nil }
                if entry.key.string == nil { isText = false }
                entries.append((.string(key), item))
            }
            if isText { return .dict(PythonDict(uniqueEntries: entries)) }
            // Keys of different kinds may have one text.
            var result = PythonDict()
            for (key, item) in entries { result[key] = item }
            return .dict(result)
        case .object(let instance): return plain(instance.json, depth: depth)
        }
    }

    /// pydantic's text of a key.
    private static func key(_ key: PythonValue) -> String? {
        switch key {
        case .string(let text): return text
        case .bool(let flag): return flag ? "true" : "false"
        case .float(let number): return number.isFinite ? PythonText.float(number) : "None"
        case .bytes(let bytes): return String(validating: bytes, as: UTF8.self)
        case .complex(let real, let imaginary): return complex(real, imaginary)
        case .tuple(let items):
            var parts: [String] = []
            for item in items {
                guard let part = Self.key(item) else { return nil }
                parts.append(part)
            }
            return parts.joined(separator: ",")
        case .object(let instance): return Self.key(instance.json) ?? instance.text
        case .list, .set, .frozenset, .dict: return nil
        case .none, .int, .largeInteger, .ellipsis: return key.text
        }
    }

    private static func complex(_ real: Double, _ imaginary: Double) -> String {
        let text = PythonText.complex(real, imaginary)
        return text.hasPrefix("(") ? String(text.dropFirst().dropLast()) : text
    }
}

extension PromptValue {
    /// A list in a text field: `N/A`, one passage, or numbered ones.
    private static func passages(_ items: [PythonValue]) throws(ValueFailure) -> String {
        if items.isEmpty { return "N/A" }
        var bytes: [UInt8] = []
        for (place, item) in items.enumerated() {
            if place > 0 { bytes.append(0x0A) }
            if items.count > 1 { bytes += "[\(place + 1)] ".utf8 }
            try appendPassage(item, to: &bytes)
        }
        return String(bytes: bytes)
    }

    private static func appendPassage(
        _ item: PythonValue,
        to bytes: inout [UInt8]
    ) throws(ValueFailure) {
        guard case .string(var text) = item else {
            if try holdsMark(item) {
                throw .raise(
                    "AttributeError",
                    "'\(item.typeName)' object has no attribute 'replace'"
                )
            }
            bytes += "«\(item.text)»".utf8
            return
        }
        text.withUTF8 { utf8 in
            // `«` and `»` are C2 AB and C2 BB.
            let isBlock = utf8.indices.contains { index in
                utf8[index] == 0x0A
                    || utf8[index] == 0xC2 && (utf8[index + 1] == 0xAB || utf8[index + 1] == 0xBB)
            }
            bytes += isBlock ? "«««\n    ".utf8 : "«".utf8
            var start = 0
            while isBlock, let end = utf8[start...].firstIndex(of: 0x0A) {
                bytes.append(contentsOf: utf8[start...end])
                bytes += "    ".utf8
                start = end + 1
            }
            bytes.append(contentsOf: utf8[start...])
            bytes += isBlock ? "\n»»»".utf8 : "»".utf8
        }
    }

    /// What Python's `in` says of the three marks and something that is not text.
    private static func holdsMark(_ item: PythonValue) throws(ValueFailure) -> Bool {
        func isMark(_ value: PythonValue) -> Bool {
            guard let text = value.string else { return false }
            return ["\n", "«", "»"].contains { $0.utf8.elementsEqual(text.utf8) }
        }
        switch item {
        case .list(let items), .tuple(let items), .set(let items), .frozenset(let items):
            return items.contains(where: isMark)
        case .dict(let dict): return dict.keys.contains(where: isMark)
        case .object(let instance) where instance.fields != nil: return false
        case .bytes: throw .raise("TypeError", "a bytes-like object is required, not 'str'")
        default:
            throw .raise("TypeError", "argument of type '\(item.typeName)' is not iterable")
        }
    }
}
