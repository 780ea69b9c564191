/// A value that can cross the wire: what arguments, replies and their parts are made of.
///
/// The cases are those of the table in *Worker protocol*; JSON and MessagePack carry all of them
/// and give back the same case (`1` is never `1.0` or `true`). Texts are equal where their UTF-8
/// is, as in Python; floats are equal as IEEE 754 has it, so NaN equals nothing and `-0.0` equals
/// `0.0`.
///
/// The enum is not `indirect`: its lists and maps are heap storage already, and marking the whole
/// enum costs twice the time of a decode.
public enum Value: Sendable {
    /// Nothing; Python's `None`.
    case null
    /// True or false, never an integer.
    case bool(Bool)
    /// An integer from −2⁶³ to 2⁶³−1.
    case int(Int64)
    /// An integer above `Int64.max`; smaller ones are always `.int`, so equal numbers are equal.
    case unsigned(UInt64)
    /// A number with a fraction or exponent, NaN and infinities included.
    case double(Double)
    /// Text.
    case string(String)
    /// Bytes that are not text.
    case bytes([UInt8])
    /// A point in time.
    case timestamp(Timestamp)
    /// Named, typed columns: travels beside the body, as Arrow has it.
    case table(Table)
    /// Numbers in any number of dimensions: travels beside the body.
    case tensor(Tensor)
    /// Values in order.
    case list([Value])
    /// Values under text keys, in order.
    case map(ValueMap)
}

extension Value: Hashable {
    /// Whether both are of one case and equal: `1` is not `1.0`.
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.unsigned(let left), .unsigned(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.string(let left), .string(let right)): ExactText.isSame(left, right)
        case (.bytes(let left), .bytes(let right)): left == right
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.table(let left), .table(let right)): left == right
        case (.tensor(let left), .tensor(let right)): left == right
        case (.list(let left), .list(let right)): left == right
        case (.map(let left), .map(let right)): left == right
        default: false
        }
    }

    /// Feeds the value to a hasher.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let flag): hasher.combine(flag)
        case .int(let integer): hasher.combine(integer)
        case .unsigned(let integer): hasher.combine(integer)
        case .double(let number): hasher.combine(number)
        case .string(let text): ExactText.hash(text, into: &hasher)
        case .bytes(let bytes): hasher.combine(bytes)
        case .timestamp(let time): hasher.combine(time)
        case .table(let table): hasher.combine(table)
        case .tensor(let tensor): hasher.combine(tensor)
        case .list(let elements): hasher.combine(elements)
        case .map(let map): hasher.combine(map)
        }
    }
}

/// A point in time, in seconds and nanoseconds since 1970-01-01T00:00:00Z.
///
/// Bodies carry the years 1 to 9999, as JSON's text and Python's `datetime` do.
public struct Timestamp: Sendable, Hashable {
    /// Whole seconds, rounded down: negative before 1970.
    public var seconds: Int64
    /// From 0 up to 999,999,999, also for times before 1970.
    public var nanoseconds: UInt32

    /// A point in time; `nanoseconds` must be below 1,000,000,000.
    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        precondition(nanoseconds < 1_000_000_000, "nanoseconds must be below one second")
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}

extension Value {
    /// An integer that may be larger than `Int64.max`.
    public init(_ integer: UInt64) {
        self = Int64(exactly: integer).map(Value.int) ?? .unsigned(integer)
    }

    /// The text, or nil where this is not a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The integer, or nil where this is not an integer that fits.
    public var int: Int? {
        switch self {
        case .int(let integer): Int(exactly: integer)
        case .unsigned(let integer): Int(exactly: integer)
        default: nil
        }
    }

    /// The number as a double: of a `.double`, or of an integer (rounded where it must be).
    public var double: Double? {
        switch self {
        case .double(let number): number
        case .int(let integer): Double(integer)
        case .unsigned(let integer): Double(integer)
        default: nil
        }
    }

    /// The boolean, or nil where this is not one.
    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }

    /// The table, or nil where this is not one.
    public var table: Table? { if case .table(let table) = self { table } else { nil } }

    /// The tensor, or nil where this is not one.
    public var tensor: Tensor? { if case .tensor(let tensor) = self { tensor } else { nil } }

    /// The elements, or nil where this is not a list.
    public var list: [Value]? { if case .list(let elements) = self { elements } else { nil } }

    /// The map, or nil where this is not one.
    public var map: ValueMap? { if case .map(let map) = self { map } else { nil } }

    /// The value under a key, or nil where this is not a map or has no such key.
    public subscript(key: String) -> Value? { map?[key] }

    /// What to call this kind of value in a message to a person.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .unsigned: "an integer"
        case .double: "a float"
        case .string: "text"
        case .bytes: "bytes"
        case .timestamp: "a point in time"
        case .table: "a table"
        case .tensor: "a tensor"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// Null.
    public init(nilLiteral: ()) { self = .null }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A float.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list.
    public init(arrayLiteral elements: Value...) { self = .list(elements) }
    /// A map in the order written; of a key that comes twice the last value stays.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .map(ValueMap(elements))
    }
}
