import FoundationEssentials

/// Turns Swift types into values.
///
/// Structs become maps in the order of their properties, dictionaries maps in the order of their
/// keys, so that equal inputs give equal bytes. A nil property is null, not left out. `Date`
/// becomes a point in time, `Data` and `[UInt8]` bytes; everything else is what its `Encodable`
/// makes of it.
public struct ValueEncoder: Sendable {
    /// An encoder; it has nothing to set.
    public init() {}

    /// The value of `input`.
    ///
    /// Throws `ValueError` for what has no value, such as an infinite date, and whatever the type's
    /// own `encode(to:)` throws.
    public func encode(_ input: some Encodable) throws -> Value {
        try EncodingNode.part(of: input, at: []).value
    }
}

/// One value in the making: what containers and nested encoders write into.
final class EncodingNode: Encoder {
    /// A part of a list or map: most are values at once, without a node of their own.
    enum Part {
        case value(Value)
        case node(EncodingNode)

        var value: Value {
            switch self {
            case .value(let value): value
            case .node(let node): node.value
            }
        }
    }

    private enum Content {
        case nothing
        case part(Part)
        case list([Part])
        case map([(key: String, value: Part)])
    }

    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private var content = Content.nothing
    private var seen = SeenKeys()

    init(at path: [any CodingKey]) { codingPath = path }

    /// What was written; a type that wrote nothing is an empty map, as for other encoders.
    var value: Value {
        switch content {
        case .nothing: .map([:])
        case .part(let part): part.value
        case .list(let parts): .list(parts.map(\.value))
        case .map(let entries):
            .map(ValueMap(uniqueEntries: entries.map { ($0.key, $0.value.value) }))
        }
    }

    /// How many elements the list has so far.
    var count: Int { if case .list(let parts) = content { parts.count } else { 0 } }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .map = content {} else { content = .map([]) }
        return KeyedEncodingContainer(KeyedValueEncoding<Key>(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .list = content {} else { content = .list([]) }
        return UnkeyedValueEncoding(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueEncoding(node: self)
    }

    func set(_ part: Part) { content = .part(part) }

    /// Adds an element behind those there are.
    func append(_ part: Part) {
        guard case .list(var parts) = content else { preconditionFailure("not a list") }
        content = .nothing
        parts.append(part)
        content = .list(parts)
    }

    /// Puts an entry under a key; of a key that comes twice the last one stays.
    func put(_ part: Part, under key: String) {
        guard case .map(var entries) = content else { preconditionFailure("not a map") }
        content = .nothing
        if seen.insert(key, mark: SeenKeys.mark(of: key), into: entries) {
            entries.append((key, part))
        } else if let place = entries.firstIndex(where: { ExactText.isSame($0.key, key) }) {
            entries[place].value = part
        }
        content = .map(entries)
    }

    private func sortKeys() {
        guard case .map(let entries) = content else { return }
        content = .map(entries.sorted { $0.key < $1.key })
    }

    // MARK: Types that are values

    /// What an input becomes; its path is only made up where there is something below it.
    static func part(
        of input: some Encodable,
        at path: @autoclosure () -> [any CodingKey]
    ) throws -> Part {
        if let value = try simpleValue(of: input, at: path()) { return .value(value) }
        let node = EncodingNode(at: path())
        try input.encode(to: node)
        if input is any Unordered { node.sortKeys() }
        return .node(node)
    }

    /// The value of one of the types that values are; nil for all others.
    ///
    /// By the type's identity: casts take ten times as long, and hold an empty array for an array
    /// of any other type.
    private static func simpleValue<Input: Encodable>(
        of input: Input,
        at path: @autoclosure () -> [any CodingKey]
    ) throws -> Value? {
        switch ObjectIdentifier(Input.self) {
        case ObjectIdentifier(Bool.self): return (input as? Bool).map(Value.bool)
        case ObjectIdentifier(String.self): return (input as? String).map(Value.string)
        case ObjectIdentifier(Int.self): return (input as? Int).map { .int(Int64($0)) }
        case ObjectIdentifier(Double.self): return (input as? Double).map(Value.double)
        case ObjectIdentifier(Float.self): return (input as? Float).map { .double(Double($0)) }
        case ObjectIdentifier([UInt8].self): return (input as? [UInt8]).map(Value.bytes)
        case ObjectIdentifier(Data.self): return (input as? Data).map { .bytes(Array($0)) }
        case ObjectIdentifier(Date.self):
            guard let time = (input as? Date).flatMap({ Timestamp($0) }) else {
                throw ValueError(path: path().steps, reason: "a date that is no point in time")
            }
            return .timestamp(time)
        case ObjectIdentifier(Table.self): return (input as? Table).map(Value.table)
        case ObjectIdentifier(Tensor.self): return (input as? Tensor).map(Value.tensor)
        default:
            guard let integer = input as? any FixedWidthInteger else { return nil }
            if let integer = Int64(exactly: integer) { return .int(integer) }
            if let integer = UInt64(exactly: integer) { return Value(integer) }
            throw ValueError(path: path().steps, reason: "an integer of more than 64 bits")
        }
    }
}

/// Dictionaries, whose own order differs from run to run.
private protocol Unordered {}
extension Dictionary: Unordered {}
