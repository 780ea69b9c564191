/// The metadata of messages as FlatBuffers.
enum ArrowMetadata {
    /// The message of a schema.
    static func schema(_ fields: [ArrowField], _ notes: [Table.Note]) -> [UInt8] {
        let schema: FlatObject = .table([
            .short(0), .object(.objects(fields.map(field))), Self.notes(notes),
        ])
        return message(.schema, schema, bodyLength: 0)
    }

    /// The message of a record batch, or of a dictionary's values.
    static func batch(
        rows: Int,
        _ parts: ArrowBody,
        dictionary: Int? = nil
    ) -> [UInt8] {
        let batch: FlatObject = .table([
            .long(rows), .object(.pairs(parts.nodes)), .object(.pairs(parts.extents)),
        ])
        guard let dictionary else {
            return message(.records, batch, bodyLength: parts.length)
        }
        let whole: FlatObject = .table([.long(dictionary), .object(batch)])
        return message(.dictionary, whole, bodyLength: parts.length)
    }

    /// The message of a tensor in rows.
    static func tensor(_ type: NumberType, shape: [Int], strides: [Int], length: Int) -> [UInt8] {
        let dimensions = shape.map { FlatObject.table([.long($0)]) }
        let (code, object) = number(type)
        let tensor: FlatObject = .table([
            .byte(code.rawValue), .object(object), .object(.objects(dimensions)),
            .object(.longs(strides)), .pair(0, length),
        ])
        return message(.tensor, tensor, bodyLength: ArrowFormat.padded(length))
    }

    /// A message's prefix and metadata, so long that its body begins on a boundary.
    private static func message(
        _ header: ArrowFormat.Header,
        _ object: FlatObject,
        bodyLength: Int
    ) -> [UInt8] {
        let metadata = FlatWriter.bytes(
            of: .table([
                .short(ArrowFormat.version), .byte(header.rawValue), .object(object),
                .long(bodyLength),
            ])
        )
        let whole = ArrowFormat.padded(ArrowFormat.prefix + metadata.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(whole)
        withUnsafeBytes(of: ArrowFormat.continuation.littleEndian) {
            bytes.append(contentsOf: $0)
        }
        withUnsafeBytes(of: Int32(whole - ArrowFormat.prefix).littleEndian) {
            bytes.append(contentsOf: $0)
        }
        bytes.append(contentsOf: metadata)
        bytes.append(contentsOf: repeatElement(0, count: whole - bytes.count))
        return bytes
    }

    private static func notes(_ notes: [Table.Note]) -> FlatField {
        guard !notes.isEmpty else { return .absent }
        return .object(
            .objects(notes.map { .table([.object(.text($0.key)), .object(.text($0.text))]) })
        )
    }

    private static func field(_ field: ArrowField) -> FlatObject {
        var encoding = FlatField.absent
        var stored = field.field.type
        if case .dictionary(let index, let values, let isOrdered) = stored {
            stored = values
            encoding = .object(
                .table([
                    .long(field.dictionaryID ?? 0), .object(number(index).1),
                    .byte(isOrdered ? 1 : 0),
                ])
            )
        }
        let (code, type) = type(stored)
        return .table([
            .object(.text(field.field.name)), .byte(field.field.isNullable ? 1 : 0),
            .byte(code.rawValue), .object(type), encoding,
            .object(.objects(field.children.map(Self.field))), notes(field.field.metadata),
        ])
    }

    private static func number(_ type: NumberType) -> (ArrowFormat.TypeCode, FlatObject) {
        switch type {
        case .float16: (.float, .table([.short(0)]))
        case .float32: (.float, .table([.short(1)]))
        case .float64: (.float, .table([.short(2)]))
        default:
            (.integer, .table([.int(Int32(8 * type.byteCount)), .byte(type.isSigned ? 1 : 0)]))
        }
    }

    private static func type(_ type: Table.ColumnType) -> (ArrowFormat.TypeCode, FlatObject) {
        switch type {
        case .null: (.null, .table([]))
        case .bool: (.bool, .table([]))
        case .number(let type): number(type)
        case .string: (.utf8, .table([]))
        case .largeString: (.largeUTF8, .table([]))
        case .binary: (.binary, .table([]))
        case .largeBinary: (.largeBinary, .table([]))
        case .fixedBinary(let size): (.fixedBinary, .table([.int(Int32(clamping: size))]))
        case .timestamp(let unit, let zone):
            (
                .timestamp,
                .table([.short(unit.rawValue), zone.map { .object(.text($0)) } ?? .absent])
            )
        case .date32: (.date, .table([.short(0)]))
        case .date64: (.date, .table([.short(1)]))
        case .time32(let unit): (.time, .table([.short(unit.rawValue), .int(32)]))
        case .time64(let unit): (.time, .table([.short(unit.rawValue), .int(64)]))
        case .duration(let unit): (.duration, .table([.short(unit.rawValue)]))
        case .list: (.list, .table([]))
        case .largeList: (.largeList, .table([]))
        case .fixedList(_, let size): (.fixedList, .table([.int(Int32(clamping: size))]))
        case .structure: (.structure, .table([]))
        // A dictionary's values are no dictionary: Arrow has no form for that.
        case .dictionary(_, let values, _): Self.type(values)
        }
    }
}

extension NumberType {
    fileprivate var isSigned: Bool {
        switch self {
        case .uint8, .uint16, .uint32, .uint64: false
        default: true
        }
    }
}
