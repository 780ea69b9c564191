/// The type of numbers in a column or a tensor.
public enum NumberType: String, Sendable, Hashable, CaseIterable {
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64

    /// How many bytes one takes.
    public var byteCount: Int {
        switch self {
        case .int8, .uint8: 1
        case .int16, .uint16, .float16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        }
    }

    var isFloat: Bool {
        switch self {
        case .float16, .float32, .float64: true
        default: false
        }
    }
}

/// A Swift type that is the elements' type of a column or a tensor.
public protocol TableNumber: BitwiseCopyable, Sendable {
    /// The number type it is.
    static var numberType: NumberType { get }
}

extension Int8: TableNumber {
    /// `.int8`.
    public static var numberType: NumberType { .int8 }
}
extension Int16: TableNumber {
    /// `.int16`.
    public static var numberType: NumberType { .int16 }
}
extension Int32: TableNumber {
    /// `.int32`.
    public static var numberType: NumberType { .int32 }
}
extension Int64: TableNumber {
    /// `.int64`.
    public static var numberType: NumberType { .int64 }
}
extension Int: TableNumber {
    /// `.int64`.
    public static var numberType: NumberType { .int64 }
}
extension UInt8: TableNumber {
    /// `.uint8`.
    public static var numberType: NumberType { .uint8 }
}
extension UInt16: TableNumber {
    /// `.uint16`.
    public static var numberType: NumberType { .uint16 }
}
extension UInt32: TableNumber {
    /// `.uint32`.
    public static var numberType: NumberType { .uint32 }
}
extension UInt64: TableNumber {
    /// `.uint64`.
    public static var numberType: NumberType { .uint64 }
}
extension Float16: TableNumber {
    /// `.float16`.
    public static var numberType: NumberType { .float16 }
}
extension Float: TableNumber {
    /// `.float32`.
    public static var numberType: NumberType { .float32 }
}
extension Double: TableNumber {
    /// `.float64`.
    public static var numberType: NumberType { .float64 }
}

extension Table {
    /// What the cells of a column are: the types of Arrow that Krait carries.
    public indirect enum ColumnType: Sendable, Hashable {
        /// Nothing but nulls.
        case null
        /// True or false, in bits.
        case bool
        /// Numbers of one width.
        case number(NumberType)
        /// UTF-8 text, up to 2 GiB in a batch.
        case string
        /// UTF-8 text, without that bound.
        case largeString
        /// Bytes, up to 2 GiB in a batch.
        case binary
        /// Bytes, without that bound.
        case largeBinary
        /// So many bytes in each cell.
        case fixedBinary(Int)
        /// Points in time since 1970; with a zone they are UTC and shown in that zone.
        case timestamp(TimeUnit, zone: String?)
        /// Days since 1970, as integers.
        case date32
        /// Milliseconds since 1970, as integers.
        case date64
        /// Time of day, as 32-bit integers; seconds or milliseconds.
        case time32(TimeUnit)
        /// Time of day, as 64-bit integers; microseconds or nanoseconds.
        case time64(TimeUnit)
        /// A length of time, as integers.
        case duration(TimeUnit)
        /// Lists of any length, up to 2³¹ elements in a batch.
        case list(Field)
        /// Lists of any length, without that bound.
        case largeList(Field)
        /// Lists of one length.
        case fixedList(Field, count: Int)
        /// Named parts.
        case structure([Field])
        /// Indices into values that are written once.
        case dictionary(index: NumberType, values: ColumnType, isOrdered: Bool)
    }

    /// What a time counts.
    public enum TimeUnit: Int16, Sendable, Hashable, CaseIterable {
        case second = 0, millisecond, microsecond, nanosecond

        var perSecond: Int64 {
            switch self {
            case .second: 1
            case .millisecond: 1_000
            case .microsecond: 1_000_000
            case .nanosecond: 1_000_000_000
            }
        }
    }

    /// A column's name and type.
    public struct Field: Sendable, Hashable {
        /// The name; Arrow allows the same one twice.
        public var name: String
        /// What its cells are.
        public var type: ColumnType
        /// Whether a cell may be null.
        public var isNullable: Bool
        /// What others wrote about it; carried as it is.
        public var metadata: [Note]

        /// A field.
        public init(
            _ name: String,
            _ type: ColumnType,
            isNullable: Bool = true,
            metadata: [Note] = []
        ) {
            (self.name, self.type, self.isNullable) = (name, type, isNullable)
            self.metadata = metadata
        }
    }

    /// A key and a text of a table's or a field's metadata.
    public struct Note: Sendable, Hashable {
        /// The key.
        public var key: String
        /// What is under it.
        public var text: String

        /// A note.
        public init(_ key: String, _ text: String) { (self.key, self.text) = (key, text) }
    }
}

/// How a type's cells lie in memory: what readers and writers go by.
enum ColumnLayout {
    case nothing
    case bits
    case fixed(Int)
    /// Offsets into bytes, of 4 or 8 bytes each.
    case bytes(offset: Int, isText: Bool)
    case list(offset: Int)
    case fixedList(Int)
    case structure
    case dictionary(NumberType)
}

extension Table.ColumnType {
    var layout: ColumnLayout {
        switch self {
        case .null: .nothing
        case .bool: .bits
        case .number(let type): .fixed(type.byteCount)
        case .string: .bytes(offset: 4, isText: true)
        case .largeString: .bytes(offset: 8, isText: true)
        case .binary: .bytes(offset: 4, isText: false)
        case .largeBinary: .bytes(offset: 8, isText: false)
        case .fixedBinary(let count): .fixed(count)
        case .date32, .time32: .fixed(4)
        case .timestamp, .date64, .time64, .duration: .fixed(8)
        case .list: .list(offset: 4)
        case .largeList: .list(offset: 8)
        case .fixedList(_, let count): .fixedList(count)
        case .structure: .structure
        case .dictionary(let index, _, _): .dictionary(index)
        }
    }

    /// The fields of the columns within; a dictionary's are its values'.
    var children: [Table.Field] {
        switch self {
        case .list(let field), .largeList(let field), .fixedList(let field, _): [field]
        case .structure(let fields): fields
        case .dictionary(_, let values, _): values.children
        default: []
        }
    }
}
