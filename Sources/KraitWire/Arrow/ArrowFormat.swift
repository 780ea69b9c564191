/// Numbers of Arrow's IPC format that readers and writers share (its `Message.fbs`, `Schema.fbs`).
enum ArrowFormat {
    /// What each message begins with; the metadata's length follows.
    static let continuation: UInt32 = 0xFFFF_FFFF
    static let prefix = 8
    /// On which boundary buffers lie in a message's body; others write 8.
    static let alignment = 64
    static let leastAlignment = 8
    /// Metadata version 5; version 4 differs in unions only.
    static let version: Int16 = 4
    static let versions: ClosedRange<Int16> = 3...4

    enum Header: UInt8 {
        case schema = 1
        case dictionary, records, tensor, sparseTensor
    }

    enum TypeCode: UInt8 {
        case null = 1
        case integer, float, binary, utf8, bool, decimal, date, time, timestamp, interval, list
        case structure, union, fixedBinary, fixedList, map, duration, largeBinary, largeUTF8
        case largeList, runEnds, binaryView, utf8View, listView, largeListView

        /// What to say of a type that is not carried.
        var refusal: String {
            switch self {
            case .decimal: "decimals; cast them to float64 or to strings"
            case .interval: "calendar intervals; cast them to durations"
            case .union: "unions; give each type a column of its own"
            case .map: "maps; cast them to lists of structures"
            case .runEnds: "run-end encoded columns; decode them first"
            case .binaryView, .utf8View: "views of texts and bytes; cast them to string or binary"
            case .listView, .largeListView: "list views; cast them to lists"
            default: "a type of number \(rawValue)"
            }
        }
    }

    /// The number rounded up to a multiple of `alignment`.
    static func padded(_ count: Int, to alignment: Int = alignment) -> Int {
        (count + alignment - 1) / alignment * alignment
    }
}

/// A column's field, and what a stream says of it beside its type.
struct ArrowField {
    var field: Table.Field
    /// The id of its dictionary, where it has one.
    var dictionaryID: Int?
    /// Of the columns within; a dictionary's are its values'.
    var children: [ArrowField]

    /// Fields with ids given in order, as a writer needs them.
    static func numbered(_ field: Table.Field, from next: inout Int) -> ArrowField {
        var id: Int?
        if case .dictionary = field.type {
            id = next
            next += 1
        }
        let children = field.type.children.map { numbered($0, from: &next) }
        return ArrowField(field: field, dictionaryID: id, children: children)
    }
}

extension BytesSlice {
    /// The same bytes where numbers can be looked at in place: a copy, if they do not lie so.
    var aligned: BytesSlice {
        withUnsafeBytes { bytes in
            guard Int(bitPattern: bytes.baseAddress) % ArrowFormat.leastAlignment != 0 else {
                return self
            }
            let copy = OwnedBytes(copying: bytes)
            return BytesSlice(copy, 0..<copy.count)
        }
    }
}
