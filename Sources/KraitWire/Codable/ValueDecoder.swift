import FoundationEssentials

/// Turns values into Swift types.
///
/// Types must fit: `1` is not true, `1.0` no integer; an integer is taken for a float, though, as
/// Python writes both. Keys that a type does not have are left alone; null or a missing key is nil.
public struct ValueDecoder: Sendable {
    /// A decoder; it has nothing to set.
    public init() {}

    /// The `type` that `value` holds.
    ///
    /// Throws `ValueError`, which names the path, what was expected and the kind of what was found.
    public func decode<T: Decodable>(_ type: T.Type = T.self, from value: Value) throws -> T {
        do {
            return try ValueNode(value, at: []).decode(type)
        } catch let error as DecodingError {
            throw ValueError(error)
        }
    }
}

/// One value that is being read.
struct ValueNode: Decoder {
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    let value: Value

    init(_ value: Value, at path: [any CodingKey]) { (self.value, codingPath) = (value, path) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .map(let map) = value else { throw expected("a map") }
        return KeyedDecodingContainer(KeyedValueDecoding<Key>(map: map, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .list(let elements) = value else { throw expected("a list") }
        return UnkeyedValueDecoding(elements: elements, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        SingleValueDecoding(node: self)
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try Self.decode(type, from: value, at: codingPath)
    }

    /// The `type` that a value holds; its path is only made up where something is below it or
    /// wrong.
    static func decode<T: Decodable>(
        _ type: T.Type,
        from value: Value,
        at path: @autoclosure () -> [any CodingKey]
    ) throws -> T {
        do throws(Misfit) {
            if let simple = try value.simple(type), let simple = simple as? T { return simple }
        } catch {
            throw ValueError(path: path().steps, reason: error.reason)
        }
        let node = ValueNode(value, at: path())
        do {
            return try T(from: node)
        } catch DecodingError.dataCorrupted(let context)
            where context.codingPath.isSame(node.codingPath)
        {
            // Swift's text for an enum's unknown raw value quotes it: say what is allowed instead.
            throw ValueError(path: node.codingPath.steps, reason: allowed(by: type))
        }
    }

    func expected(_ wanted: String) -> ValueError {
        ValueError(path: codingPath.steps, reason: Misfit(wanted, value).reason)
    }

    private static func allowed(by type: any Any.Type) -> String {
        guard let type = type as? any (CaseIterable & RawRepresentable).Type else {
            return "a value that \(type) does not allow"
        }
        return "expected one of \(rawValues(of: type))"
    }

    private static func rawValues<T: CaseIterable & RawRepresentable>(of type: T.Type) -> String {
        type.allCases.prefix(32).map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
}

/// Why a value is not of a simple type.
private struct Misfit: Error {
    let reason: String

    init(reason: String) { self.reason = reason }

    init(_ wanted: String, _ found: Value) {
        reason = "expected \(wanted), found \(found.kindName)"
    }
}

extension Value {
    /// The value as one of the types that values are; nil for all others.
    fileprivate func simple<T>(_ type: T.Type) throws(Misfit) -> Any? {
        switch ObjectIdentifier(type) {
        case ObjectIdentifier(Bool.self):
            if let bool { return bool }
            throw Misfit("a boolean", self)
        case ObjectIdentifier(String.self):
            if let string { return string }
            throw Misfit("text", self)
        case ObjectIdentifier(Int.self): return try integer(Int.self)
        case ObjectIdentifier(Double.self):
            if let double { return double }
            throw Misfit("a number", self)
        case ObjectIdentifier(Float.self):
            if let double { return Float(double) }
            throw Misfit("a number", self)
        case ObjectIdentifier([UInt8].self):
            if case .bytes(let bytes) = self { return bytes }
            if case .list = self { return nil }
            throw Misfit("bytes", self)
        case ObjectIdentifier(Data.self):
            if case .bytes(let bytes) = self { return Data(bytes) }
            throw Misfit("bytes", self)
        case ObjectIdentifier(Date.self):
            if case .timestamp(let time) = self { return time.date }
            throw Misfit("a point in time", self)
        case ObjectIdentifier(Table.self):
            if let table { return table }
            throw Misfit("a table", self)
        case ObjectIdentifier(Tensor.self):
            if let tensor { return tensor }
            throw Misfit("a tensor", self)
        default:
            guard let type = type as? any FixedWidthInteger.Type else { return nil }
            return try integer(type)
        }
    }

    private func integer<T: FixedWidthInteger>(_ type: T.Type) throws(Misfit) -> T {
        let integer: T?
        switch self {
        case .int(let number): integer = T(exactly: number)
        case .unsigned(let number): integer = T(exactly: number)
        default: throw Misfit("an integer", self)
        }
        guard let integer else { throw Misfit(reason: "an integer that does not fit \(type)") }
        return integer
    }
}

extension [any CodingKey] {
    fileprivate func isSame(_ other: [any CodingKey]) -> Bool {
        count == other.count
            && zip(self, other).allSatisfy {
                $0.intValue == $1.intValue && $0.stringValue == $1.stringValue
            }
    }
}

extension ValueError {
    /// What a type's own `init(from:)` threw, without the texts that may quote a value.
    fileprivate init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(path: (context.codingPath + [key]).steps, reason: "is missing")
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            self.init(path: context.codingPath.steps, reason: "expected \(type)")
        case .dataCorrupted(let context):
            self.init(
                path: context.codingPath.steps,
                reason: "a value that its type does not allow"
            )
        @unknown default:
            self.init(path: [], reason: "a value that its type does not allow")
        }
    }
}
