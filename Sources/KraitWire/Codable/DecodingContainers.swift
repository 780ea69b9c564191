struct KeyedValueDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let map: ValueMap
    let codingPath: [any CodingKey]

    var allKeys: [Key] { map.entries.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { map[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        if case .null = try node(key).value { true } else { false }
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        guard let value = map[key.stringValue] else { return try node(key).decode(type) }
        return try ValueNode.decode(type, from: value, at: codingPath + [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try node(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try node(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try node(ValueKey.superKey) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try node(key) }

    private func node(_ key: some CodingKey) throws -> ValueNode {
        let path = codingPath + [key]
        guard let value = map[key.stringValue] else {
            throw ValueError(path: path.steps, reason: "is missing")
        }
        return ValueNode(value, at: path)
    }
}

struct UnkeyedValueDecoding: UnkeyedDecodingContainer {
    let elements: [Value]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(elements: [Value], codingPath: [any CodingKey]) {
        (self.elements, self.codingPath) = (elements, codingPath)
    }

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard case .null = try node().value else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        guard !isAtEnd else { return try node().decode(type) }
        let result = try ValueNode.decode(type, from: elements[currentIndex], at: path)
        currentIndex += 1
        return result
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try advance { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try advance { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try advance { $0 } }

    private var path: [any CodingKey] { codingPath + [ValueKey(intValue: currentIndex)] }

    private func node() throws -> ValueNode {
        guard !isAtEnd else {
            throw ValueError(
                path: path.steps,
                reason: "is missing: the list has \(elements.count) elements"
            )
        }
        return ValueNode(elements[currentIndex], at: path)
    }

    private mutating func advance<T>(_ read: (ValueNode) throws -> T) throws -> T {
        let result = try read(node())
        currentIndex += 1
        return result
    }
}

struct SingleValueDecoding: SingleValueDecodingContainer {
    let node: ValueNode
    var codingPath: [any CodingKey] { node.codingPath }

    func decodeNil() -> Bool { if case .null = node.value { true } else { false } }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try node.decode(type) }
}
