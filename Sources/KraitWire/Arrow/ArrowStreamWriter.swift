/// What a batch's metadata says of its columns, and the buffers that make up its body.
struct ArrowBody {
    /// For each column, in the order of the schema's tree: cells and nulls.
    private(set) var nodes: [(Int, Int)] = []
    /// Where each buffer is in the body, and how long.
    private(set) var extents: [(Int, Int)] = []
    private(set) var buffers: [BytesSlice] = []
    private(set) var length = 0

    mutating func add(_ column: Table.Column) {
        nodes.append((column.count, column.nullCount))
        if case .nothing = column.type.layout { return }
        add(column.validity, count: (column.count + 7) / 8)
        switch column.type.layout {
        case .nothing, .structure, .fixedList: break
        case .bits: add(column.values, count: (column.count + 7) / 8)
        case .fixed(let size): add(column.values, count: column.count * size)
        case .dictionary(let index): add(column.values, count: column.count * index.byteCount)
        case .bytes(let width, _):
            add(column.offsets, count: (column.count + 1) * width)
            add(column.values, count: column.extentEnd)
        case .list(let width): add(column.offsets, count: (column.count + 1) * width)
        }
        // A dictionary's values travel in messages of their own.
        if case .dictionary = column.type.layout { return }
        for child in column.children { add(child) }
    }

    private mutating func add(_ buffer: BytesSlice?, count: Int) {
        guard let buffer, buffer.count > 0, count > 0 else {
            extents.append((length, 0))
            return
        }
        let start = buffer.range.lowerBound
        let part = BytesSlice(buffer.storage, start..<start + min(count, buffer.count))
        extents.append((length, part.count))
        buffers.append(part)
        length += ArrowFormat.padded(part.count)
    }
}

/// Writes tables as IPC streams: the schema, each dictionary before the first batch that needs it,
/// the batches, the end marker.
struct ArrowStreamWriter {
    private var messages: [(metadata: [UInt8], body: ArrowBody)] = []
    /// The values last written under each id.
    private var written: [Int: Table.Column] = [:]

    /// The stream of a table; one that was read from a stream is that stream, without a copy.
    static func stream(of table: Table) -> BytesSlice {
        if let source = table.source { return source }
        var writer = ArrowStreamWriter()
        writer.add(table)
        let bytes = writer.assemble()
        return BytesSlice(bytes, 0..<bytes.count)
    }

    private mutating func add(_ table: Table) {
        var next = 0
        let fields = table.fields.map { ArrowField.numbered($0, from: &next) }
        messages.append((ArrowMetadata.schema(fields, table.metadata), ArrowBody()))
        for batch in table.batches {
            var body = ArrowBody()
            for (field, column) in zip(fields, batch.columns) {
                addDictionaries(field, column)
                body.add(column)
            }
            messages.append((ArrowMetadata.batch(rows: batch.rowCount, body), body))
        }
    }

    private mutating func addDictionaries(_ field: ArrowField, _ column: Table.Column) {
        guard let id = field.dictionaryID, let values = column.children.first else {
            for (child, part) in zip(field.children, column.children) {
                addDictionaries(child, part)
            }
            return
        }
        for (child, part) in zip(field.children, values.children) { addDictionaries(child, part) }
        guard !(written[id].map { $0.isSame(as: values) } ?? false) else { return }
        written[id] = values
        var body = ArrowBody()
        body.add(values)
        let metadata = ArrowMetadata.batch(rows: values.count, body, dictionary: id)
        messages.append((metadata, body))
    }

    /// Writes all into bytes of just the size.
    private func assemble() -> OwnedBytes {
        let size = messages.reduce(ArrowFormat.prefix) { $0 + $1.metadata.count + $1.body.length }
        return OwnedBytes(count: size) { target in
            var cursor = 0
            for (metadata, body) in messages {
                Self.put(metadata, into: target, at: &cursor)
                let start = cursor
                for (extent, buffer) in zip(body.extents.filter { $0.1 > 0 }, body.buffers) {
                    cursor = start + extent.0
                    let room = UnsafeMutableRawBufferPointer(rebasing: target[cursor...])
                    buffer.withUnsafeBytes { room.copyMemory(from: $0) }
                    let end = ArrowFormat.padded(extent.1)
                    for index in extent.1..<end { room[index] = 0 }
                    cursor += end
                }
            }
            let end = withUnsafeBytes(of: ArrowFormat.continuation.littleEndian, Array.init)
            Self.put(end + [0, 0, 0, 0], into: target, at: &cursor)
        }
    }

    private static func put(
        _ bytes: [UInt8],
        into target: UnsafeMutableRawBufferPointer,
        at cursor: inout Int
    ) {
        UnsafeMutableRawBufferPointer(rebasing: target[cursor...]).copyBytes(from: bytes)
        cursor += bytes.count
    }
}

extension Table.Column {
    /// Whether both are views of the same memory, so that what one says the other says.
    fileprivate func isSame(as other: Table.Column) -> Bool {
        func same(_ left: BytesSlice?, _ right: BytesSlice?) -> Bool {
            switch (left, right) {
            case (nil, nil): true
            case (let left?, let right?): left.isSame(as: right)
            default: false
            }
        }
        return count == other.count && same(values, other.values) && same(offsets, other.offsets)
            && same(validity, other.validity) && children.count == other.children.count
            && zip(children, other.children).allSatisfy { $0.isSame(as: $1) }
    }
}

extension Table {
    /// Reads a table from an Arrow IPC stream, as `pyarrow.ipc.new_stream` writes it.
    ///
    /// The table is a view of the bytes. Throws `TableError` with the place for bytes that are not
    /// such a stream, and for what Krait does not carry: compressed buffers, unions, maps,
    /// decimals, views, dictionaries that grow.
    public init(arrowStream bytes: [UInt8]) throws(TableError) {
        self = try ArrowStreamReader.read(BytesSlice(bytes))
    }

    /// The table as an Arrow IPC stream, as `pyarrow.ipc.open_stream` reads it.
    public func arrowStream() -> [UInt8] {
        ArrowStreamWriter.stream(of: self).withUnsafeBytes { Array($0) }
    }
}
