/// Reads the schema of a stream.
///
/// How many fields and how much text it makes is bounded by the limits and by the bytes there are:
/// offsets of a FlatBuffer may name the same table a million times.
struct ArrowSchemaReader {
    private var fieldsLeft = Limits.tableFields
    private var textLeft: Int

    private init(textLeft: Int) { self.textLeft = textLeft }

    static func read(
        _ schema: FlatTable,
        size: Int
    ) throws(TableError) -> (fields: [ArrowField], metadata: [Table.Note]) {
        var reader = ArrowSchemaReader(textLeft: size)
        guard try schema.integer(0, or: Int16(0)) == 0 else {
            throw .unsupported("schema", "big-endian numbers")
        }
        let fields = try reader.fields(schema.vector(1, elementSize: 4), depth: 1)
        return (fields, try reader.notes(schema.vector(2, elementSize: 4)))
    }

    private mutating func fields(
        _ vector: FlatVector?,
        depth: Int
    ) throws(TableError) -> [ArrowField] {
        guard let vector, vector.count > 0 else { return [] }
        guard depth <= Limits.tableNesting else {
            throw .tooLarge("schema", "columns nested deeper than \(Limits.tableNesting)")
        }
        guard vector.count <= fieldsLeft else {
            throw .tooLarge("schema", "more than \(Limits.tableFields) columns")
        }
        fieldsLeft -= vector.count
        var fields: [ArrowField] = []
        for index in 0..<vector.count {
            fields.append(try field(try vector.table(index), depth: depth))
        }
        return fields
    }

    private mutating func field(_ table: FlatTable, depth: Int) throws(TableError) -> ArrowField {
        let name = try text(table.text(0)) ?? ""
        do throws(TableError) {
            let children = try fields(table.vector(5, elementSize: 4), depth: depth + 1)
            var type = try type(of: table, children.map(\.field))
            var dictionaryID: Int?
            if let encoding = try table.table(4) {
                dictionaryID = Int(try encoding.integer(0, or: Int64(0)))
                let index = try encoding.table(1).map { table throws(TableError) in
                    try Self.integer(table)
                }
                guard try encoding.integer(3, or: Int16(0)) == 0 else {
                    throw .unsupported("", "a dictionary that is no list of values")
                }
                let isOrdered = try encoding.flag(2)
                type = .dictionary(index: index ?? .int32, values: type, isOrdered: isOrdered)
            }
            let field = Table.Field(
                name,
                type,
                isNullable: try table.flag(1),
                metadata: try notes(table.vector(6, elementSize: 4))
            )
            return ArrowField(field: field, dictionaryID: dictionaryID, children: children)
        } catch {
            throw error.inside("column \(Table.Field(name, .null).shownName)")
        }
    }

    private mutating func type(
        of field: FlatTable,
        _ children: [Table.Field]
    ) throws(TableError) -> Table.ColumnType {
        let number = try field.integer(2, or: UInt8(0))
        guard let code = ArrowFormat.TypeCode(rawValue: number), let type = try field.table(3)
        else {
            throw .malformed("", "a column of the unknown type \(number)")
        }
        let single: () throws(TableError) -> Table.Field = { () throws(TableError) in
            guard children.count == 1, let child = children.first else {
                throw .malformed("", "a list with \(children.count) kinds of elements")
            }
            return child
        }
        switch code {
        case .list: return .list(try single())
        case .largeList: return .largeList(try single())
        case .fixedList:
            let count = try type.integer(0, or: Int32(0))
            guard count >= 0 else { throw .malformed("", "lists of negative length") }
            return .fixedList(try single(), count: Int(count))
        case .structure: return .structure(children)
        default: break
        }
        let leaf = try leaf(code, type)
        guard children.isEmpty else { throw .malformed("", "a type that has no columns within") }
        return leaf
    }

    private mutating func leaf(
        _ code: ArrowFormat.TypeCode,
        _ type: FlatTable
    ) throws(TableError) -> Table.ColumnType {
        switch code {
        case .null: return .null
        case .bool: return .bool
        case .integer: return .number(try Self.integer(type))
        case .float: return .number(try Self.float(type))
        case .utf8: return .string
        case .largeUTF8: return .largeString
        case .binary: return .binary
        case .largeBinary: return .largeBinary
        case .fixedBinary:
            let width = try type.integer(0, or: Int32(0))
            guard width >= 0 else { throw .malformed("", "bytes of negative length") }
            return .fixedBinary(Int(width))
        case .timestamp:
            return .timestamp(try unit(type, or: 0), zone: try text(type.text(1)))
        case .duration: return .duration(try unit(type, or: 1))
        case .date: return try type.integer(0, or: Int16(1)) == 0 ? .date32 : .date64
        case .time:
            let unit = try unit(type, or: 1)
            switch try type.integer(1, or: Int32(32)) {
            case 32: return .time32(unit)
            case 64: return .time64(unit)
            default: throw .malformed("", "times of an unknown width")
            }
        default: throw .unsupported("", "Krait carries no \(code.refusal)")
        }
    }

    private func unit(_ type: FlatTable, or absent: Int16) throws(TableError) -> Table.TimeUnit {
        guard let unit = Table.TimeUnit(rawValue: try type.integer(0, or: absent)) else {
            throw .malformed("", "an unknown unit of time")
        }
        return unit
    }

    static func integer(_ type: FlatTable) throws(TableError) -> NumberType {
        switch (try type.integer(0, or: Int32(0)), try type.flag(1)) {
        case (8, true): return .int8
        case (16, true): return .int16
        case (32, true): return .int32
        case (64, true): return .int64
        case (8, false): return .uint8
        case (16, false): return .uint16
        case (32, false): return .uint32
        case (64, false): return .uint64
        default: throw .malformed("", "integers of an unknown width")
        }
    }

    static func float(_ type: FlatTable) throws(TableError) -> NumberType {
        switch try type.integer(0, or: Int16(0)) {
        case 0: return .float16
        case 1: return .float32
        case 2: return .float64
        default: throw .malformed("", "floats of an unknown width")
        }
    }

    private mutating func text(_ bytes: UnsafeRawBufferPointer?) throws(TableError) -> String? {
        guard let bytes else { return nil }
        textLeft -= bytes.count
        guard textLeft >= 0 else { throw .malformed("schema", "the same text many times over") }
        guard let text = ExactText.text(of: bytes) else {
            throw .malformed("schema", "a text that is not UTF-8")
        }
        return text
    }

    private mutating func notes(_ vector: FlatVector?) throws(TableError) -> [Table.Note] {
        guard let vector else { return [] }
        guard vector.count <= Limits.tableFields else {
            throw .tooLarge("schema", "more than \(Limits.tableFields) pieces of metadata")
        }
        var notes: [Table.Note] = []
        for index in 0..<vector.count {
            // Each costs at least its offset, so that naming one of them many times is no way out.
            textLeft -= 4
            let entry = try vector.table(index)
            let (key, value) = (try text(entry.text(0)) ?? "", try text(entry.text(1)) ?? "")
            notes.append(Table.Note(key, value))
        }
        return notes
    }
}
