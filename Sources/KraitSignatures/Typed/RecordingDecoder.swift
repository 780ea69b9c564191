/// A decoder that answers everything with placeholders and notes what was asked for.
final class RecordingDecoder: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    let recording: TypeRecording
    /// The properties asked for, in order.
    private(set) var fields: [TypeRecording.NamedType] = []
    /// The type of the one value that was asked for instead.
    private(set) var single: TypeExpression?
    /// The property that was last asked whether it is nil.
    var askedForNil: String?

    init(_ recording: TypeRecording) { self.recording = recording }

    /// A struct with properties, also with none.
    var isStruct: Bool { single == nil }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(RecordingContainer<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw Self.refusal("decodes as a list by hand")
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        RecordingSingleValue(decoder: self)
    }

    func note(_ name: String, _ type: TypeExpression) {
        if !fields.contains(where: { $0.name == name }) { fields.append((name, type)) }
    }

    func noteSingle(_ type: TypeExpression) { single = type }

    static func refusal(_ reason: String) -> SchemaError {
        TypeRecording.unsupported(Self.self, reason)
    }
}

private struct RecordingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: RecordingDecoder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }

    /// Who asks for nil first has an optional: so Codable's own `decodeIfPresent` of numbers does.
    func decodeNil(forKey key: Key) -> Bool {
        decoder.askedForNil = key.stringValue
        return false
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        let recorded = try decoder.recording.type(of: type)
        let isOptional = decoder.askedForNil == key.stringValue
        decoder.note(key.stringValue, isOptional ? .optional(recorded) : recorded)
        return try decoder.recording.placeholder(of: type)
    }

    /// Nil, so that a type may contain itself.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        decoder.note(key.stringValue, .optional(try decoder.recording.type(of: type)))
        return nil
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw RecordingDecoder.refusal("decodes nested values by hand")
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw RecordingDecoder.refusal("decodes nested values by hand")
    }

    func superDecoder() throws -> any Decoder {
        throw RecordingDecoder.refusal("decodes a superclass")
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        throw RecordingDecoder.refusal("decodes a superclass")
    }
}

private struct RecordingSingleValue: SingleValueDecodingContainer {
    let decoder: RecordingDecoder
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        decoder.noteSingle(try decoder.recording.type(of: type))
        return try decoder.recording.placeholder(of: type)
    }
}
