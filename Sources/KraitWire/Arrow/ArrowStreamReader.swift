/// Takes an IPC stream apart into its messages: schema, dictionaries, record batches, end marker.
struct ArrowStreamReader {
    private let stream: BytesSlice
    private let bytes: UnsafeRawBufferPointer
    private var cursor = 0

    private struct Message {
        let code: UInt8
        let header: FlatTable
        let metadataSize: Int
        let body: Range<Int>
    }

    /// Reads a whole stream; the table is a view of it, and keeps it alive.
    static func read(_ stream: BytesSlice) throws(TableError) -> Table {
        let stream = stream.aligned
        return try stream.withUnsafeBytes { bytes throws(TableError) in
            var reader = ArrowStreamReader(stream: stream, bytes: bytes)
            return try reader.table()
        }
    }

    private mutating func table() throws(TableError) -> Table {
        guard let first = try next(), first.code == ArrowFormat.Header.schema.rawValue else {
            throw .malformed("", "a stream that does not begin with a schema")
        }
        let schema = try ArrowSchemaReader.read(first.header, size: first.metadataSize)
        var dictionaryFields: [Int: ArrowField] = [:]
        try Self.gather(schema.fields, into: &dictionaryFields)
        var dictionaries: [Int: Table.Column] = [:]
        var batches: [Table.Batch] = []
        var rows = 0
        while let message = try next() {
            switch ArrowFormat.Header(rawValue: message.code) {
            case .dictionary:
                let (id, values) = try dictionary(message, dictionaryFields, dictionaries)
                dictionaries[id] = values
            case .records:
                do throws(TableError) {
                    let batch = try records(message, schema.fields, dictionaries)
                    rows += batch.rowCount
                    batches.append(batch)
                } catch { throw error.inside("batch \(batches.count)") }
                guard rows <= Limits.tableRows else {
                    throw .tooLarge("", "a table has at most \(Limits.tableRows) rows")
                }
            default: throw .malformed("", "a message of kind \(message.code) in a stream")
            }
        }
        guard cursor == bytes.count else {
            throw .malformed("", "\(bytes.count - cursor) bytes follow the end marker")
        }
        let fields = schema.fields.map(\.field)
        return Table(checked: fields, schema.metadata, batches, source: stream)
    }

    /// The next message; nil at the end marker.
    private mutating func next() throws(TableError) -> Message? {
        guard bytes.count - cursor >= ArrowFormat.prefix else {
            throw .malformed("", "the stream ends without its end marker")
        }
        let buffer = FlatBuffer(bytes: bytes)
        guard try buffer.integer(at: cursor) == ArrowFormat.continuation else {
            throw .malformed("", "a message that does not begin with FFFFFFFF")
        }
        let size = Int(try buffer.integer(at: cursor + 4) as Int32)
        cursor += ArrowFormat.prefix
        guard size != 0 else { return nil }
        guard size > 0, size <= bytes.count - cursor, size % ArrowFormat.leastAlignment == 0 else {
            throw .malformed("", "metadata of \(size) bytes where \(bytes.count - cursor) are left")
        }
        let metadata = UnsafeRawBufferPointer(rebasing: bytes[cursor..<cursor + size])
        cursor += size
        let root = try FlatBuffer(bytes: metadata).root()
        guard ArrowFormat.versions ~= (try root.integer(0, or: Int16(0))) else {
            throw .unsupported("", "metadata of another version than 4 and 5")
        }
        guard let header = try root.table(2) else {
            throw .malformed("", "a message without header")
        }
        let length = Int(try root.integer(3, or: Int64(0)))
        guard length >= 0, length <= bytes.count - cursor else {
            throw .malformed("", "a body of \(length) bytes where \(bytes.count - cursor) are left")
        }
        guard length % ArrowFormat.leastAlignment == 0 else {
            throw .malformed("", "a body whose length is no multiple of 8")
        }
        let body = cursor..<cursor + length
        cursor += length
        let code = try root.integer(1, or: UInt8(0))
        return Message(code: code, header: header, metadataSize: size, body: body)
    }

    private static func gather(
        _ fields: [ArrowField],
        into found: inout [Int: ArrowField]
    ) throws(TableError) {
        for field in fields {
            if let id = field.dictionaryID {
                if let other = found[id], other.field.type != field.field.type {
                    throw .malformed("schema", "two columns with one dictionary of different types")
                }
                found[id] = field
            }
            try gather(field.children, into: &found)
        }
    }

    private func dictionary(
        _ message: Message,
        _ fields: [Int: ArrowField],
        _ known: [Int: Table.Column]
    ) throws(TableError) -> (Int, Table.Column) {
        let id = Int(try message.header.integer(0, or: Int64(0)))
        let place = "dictionary \(id)"
        guard let field = fields[id], case .dictionary(_, let type, _) = field.field.type else {
            throw .malformed(place, "no column has it")
        }
        guard try !message.header.flag(2) else {
            throw .unsupported(place, "dictionaries that grow; write the stream without deltas")
        }
        guard let batch = try message.header.table(1) else {
            throw .malformed(place, "it has no values")
        }
        do throws(TableError) {
            var reader = try ArrowBatchReader(
                batch,
                body: message.body,
                of: stream,
                bytes,
                dictionaries: known
            )
            return (id, try reader.values(field, type))
        } catch { throw error.inside(place) }
    }

    private func records(
        _ message: Message,
        _ fields: [ArrowField],
        _ dictionaries: [Int: Table.Column]
    ) throws(TableError) -> Table.Batch {
        var reader = try ArrowBatchReader(
            message.header,
            body: message.body,
            of: stream,
            bytes,
            dictionaries: dictionaries
        )
        return Table.Batch(rowCount: reader.rowCount, columns: try reader.columns(fields))
    }
}
