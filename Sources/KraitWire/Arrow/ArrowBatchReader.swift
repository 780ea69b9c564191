/// Reads the columns of one record batch or dictionary, as views of the stream's bytes.
///
/// Nothing that the batch says of itself is believed: each buffer lies in the body, has room for
/// the cells, offsets go upwards and end inside, nulls are counted, texts are UTF-8 and indices
/// are in their dictionary. The cost is one walk over offsets, texts and indices; numbers are not
/// looked at.
struct ArrowBatchReader {
    private let stream: BytesSlice
    private let bytes: UnsafeRawBufferPointer
    private let body: Range<Int>
    private let dictionaries: [Int: Table.Column]
    private let nodes: FlatVector?
    private let buffers: FlatVector?
    private var node = 0
    private var buffer = 0
    let rowCount: Int

    init(
        _ batch: FlatTable,
        body: Range<Int>,
        of stream: BytesSlice,
        _ bytes: UnsafeRawBufferPointer,
        dictionaries: [Int: Table.Column]
    ) throws(TableError) {
        (self.stream, self.bytes, self.body) = (stream, bytes, body)
        self.dictionaries = dictionaries
        rowCount = try batch.length(0)
        guard try batch.table(3) == nil else {
            throw .unsupported("", "compressed buffers; write the stream without compression")
        }
        nodes = try batch.vector(1, elementSize: 16)
        buffers = try batch.vector(2, elementSize: 16)
    }

    /// The columns of a record batch.
    mutating func columns(_ fields: [ArrowField]) throws(TableError) -> [Table.Column] {
        var columns: [Table.Column] = []
        for field in fields {
            let column = try column(field)
            if let reason = field.field.mismatch(column, rows: rowCount) {
                throw .malformed("column \(field.field.shownName)", reason)
            }
            columns.append(column)
        }
        try finish()
        return columns
    }

    /// The values of a dictionary.
    mutating func values(_ field: ArrowField, _ type: Table.ColumnType) throws(TableError)
        -> Table.Column
    {
        let column = try column(type, field.children, id: nil)
        guard column.count == rowCount else {
            throw .malformed("", "\(column.count) values in a dictionary of \(rowCount)")
        }
        try finish()
        return column
    }

    private func finish() throws(TableError) {
        guard node == nodes?.count ?? 0, buffer == buffers?.count ?? 0 else {
            throw .malformed("", "more columns or buffers than the schema has")
        }
    }

    private mutating func column(_ field: ArrowField) throws(TableError) -> Table.Column {
        do throws(TableError) {
            return try column(field.field.type, field.children, id: field.dictionaryID)
        } catch { throw error.inside("column \(field.field.shownName)") }
    }

    private mutating func column(
        _ type: Table.ColumnType,
        _ fields: [ArrowField],
        id: Int?
    ) throws(TableError) -> Table.Column {
        let (count, nullCount) = try nextNode()
        if case .nothing = type.layout {
            return Table.Column(type: type, count: count, nullCount: count)
        }
        let validity = try validity(count, nullCount)
        var (offsets, values): (BytesSlice?, BytesSlice?)
        var children: [Table.Column] = []
        var extent = 0
        switch type.layout {
        case .nothing: break
        case .bits: values = try nextBuffer(atLeast: (count + 7) / 8)
        case .fixed(let size): values = try nextBuffer(atLeast: try product(count, size))
        case .bytes(let width, _):
            (offsets, extent) = try nextOffsets(count, width)
            values = try nextBuffer(atLeast: extent)
        case .list(let width):
            (offsets, extent) = try nextOffsets(count, width)
        case .fixedList(let size): extent = try product(count, size)
        case .structure: extent = count
        case .dictionary(let index):
            values = try nextBuffer(atLeast: try product(count, index.byteCount))
            guard let id, let known = dictionaries[id] else {
                throw .malformed("", "its dictionary has not come")
            }
            children = [known]
        }
        if id == nil {
            for field in fields {
                let child = try column(field)
                guard child.count >= extent else {
                    throw .malformed("", "\(extent) elements, of which \(child.count) are there")
                }
                children.append(child)
            }
        }
        let column = Table.Column(
            type: type,
            count: count,
            nullCount: nullCount,
            validity: validity,
            offsets: offsets,
            values: values,
            children: children
        )
        try column.checkContent()
        return column
    }

    private mutating func nextNode() throws(TableError) -> (count: Int, nullCount: Int) {
        guard let nodes, node < nodes.count else {
            throw .malformed("", "fewer columns than the schema has")
        }
        defer { node += 1 }
        let (count, nullCount) = (try nodes.long(node), try nodes.long(node, word: 1))
        guard 0...Limits.tableRows ~= count, 0...count ~= nullCount else {
            throw .malformed("", "\(count) cells with \(nullCount) nulls")
        }
        return (count, nullCount)
    }

    private mutating func nextBuffer(atLeast least: Int) throws(TableError) -> BytesSlice {
        guard let buffers, buffer < buffers.count else {
            throw .malformed("", "fewer buffers than the schema needs")
        }
        defer { buffer += 1 }
        let (start, count) = (try buffers.long(buffer), try buffers.long(buffer, word: 1))
        guard start >= 0, count >= 0, start <= body.count, count <= body.count - start else {
            throw .malformed("", "a buffer outside of the message's body")
        }
        guard start % ArrowFormat.leastAlignment == 0 else {
            throw .malformed("", "a buffer that begins at no multiple of 8 bytes")
        }
        guard count >= least else {
            throw .malformed("", "a buffer of \(count) bytes where \(least) are needed")
        }
        let from = stream.range.lowerBound + body.lowerBound + start
        return BytesSlice(stream.storage, from..<from + count)
    }

    private mutating func validity(
        _ count: Int,
        _ nullCount: Int
    ) throws(TableError) -> BytesSlice? {
        let bits = try nextBuffer(atLeast: nullCount == 0 ? 0 : (count + 7) / 8)
        guard nullCount > 0 || bits.count >= (count + 7) / 8 else { return nil }
        let found = bits.withUnsafeBytes { count - BitCount.ones(in: $0, count: count) }
        guard found == nullCount else {
            throw .malformed("", "\(found) nulls where \(nullCount) are announced")
        }
        return bits
    }

    /// Offsets that go upwards, and the last of them.
    private mutating func nextOffsets(
        _ count: Int,
        _ width: Int
    ) throws(TableError) -> (BytesSlice, Int) {
        // Of a column without cells the one offset may be left out.
        let offsets = try nextBuffer(atLeast: count == 0 ? 0 : (count + 1) * width)
        guard count > 0 else { return (offsets, 0) }
        let last = offsets.withUnsafeBytes { bytes in
            width == 4
                ? Self.last(bytes.bindMemory(to: Int32.self)[...count])
                : Self.last(bytes.bindMemory(to: Int64.self)[...count])
        }
        guard let last else { throw .malformed("", "offsets that do not go upwards from 0") }
        return (offsets, last)
    }

    private static func last<T: FixedWidthInteger>(_ offsets: Slice<UnsafeBufferPointer<T>>)
        -> Int?
    {
        var previous: T = 0
        var isRising = true
        // Without an early end, so that it is done many at a time.
        for offset in offsets {
            isRising = isRising && offset >= previous
            previous = offset
        }
        return isRising ? Int(previous) : nil
    }

    private func product(_ count: Int, _ size: Int) throws(TableError) -> Int {
        let (product, isOver) = count.multipliedReportingOverflow(by: size)
        guard !isOver else { throw .malformed("", "more cells than memory has bytes") }
        return product
    }
}

extension FlatTable {
    /// A count of rows.
    func length(_ number: Int) throws(TableError) -> Int {
        let length = Int(try integer(number, or: Int64(0)))
        guard length >= 0 else { throw .malformed("", "a batch of \(length) rows") }
        guard length <= Limits.tableRows else {
            throw .tooLarge("", "a batch of \(length) rows, at most \(Limits.tableRows) are read")
        }
        return length
    }
}

enum BitCount {
    /// How many of the first `count` bits are set.
    static func ones(in bytes: UnsafeRawBufferPointer, count: Int) -> Int {
        var ones = 0
        let words = count / 64
        for word in 0..<words {
            ones += bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self).nonzeroBitCount
        }
        for index in words * 64..<count {
            ones += Int(bytes[index >> 3] >> UInt8(index & 7) & 1)
        }
        return ones
    }
}
