import Testing

@testable import KraitWire

/// Streams that say one thing and hold another: each a typed error, and nothing read outside.
@Suite struct LyingStreamTests {
    private func offsets(_ numbers: [Int32]) -> BytesSlice { BytesSlice(numbers) }

    private func texts(_ places: [Int32], _ bytes: [UInt8] = Array("abc".utf8)) -> Table.Column {
        Table.Column(
            type: .string,
            count: places.count - 1,
            nullCount: 0,
            offsets: offsets(places),
            values: BytesSlice(bytes)
        )
    }

    private func refusal(
        _ column: Table.Column,
        rows: Int? = nil,
        isNullable: Bool = true
    ) -> TableError? {
        let batch = Table.Batch(rowCount: rows ?? column.count, columns: [column])
        let field = Table.Field("c", column.type, isNullable: isNullable)
        let table = Table(checked: [field], [], [batch], source: nil)
        do throws(TableError) {
            _ = try Table(arrowStream: table.arrowStream())
            return nil
        } catch { return error }
    }

    @Test func `offsets out of order or beyond the bytes are refused`() {
        for places in [[0, 2, 1], [-1, 0, 1], [0, 1, 9], [2, 1, 0], [0, .max, 1]] as [[Int32]] {
            let error = refusal(texts(places))
            #expect(error?.kind == .malformed, "\(places)")
            #expect(error?.place == #"batch 0, column "c""#)
        }
        #expect(refusal(texts([0, 1, 3])) == nil)
        #expect(refusal(texts([1, 2, 3])) == nil)
    }

    @Test func `texts that are not UTF-8 are refused, under a null they mean nothing`() {
        #expect(refusal(texts([0, 2], [0xC3, 0x28]))?.reason.contains("UTF-8") == true)
        // Each half alone is none, though the whole is.
        #expect(refusal(texts([0, 1, 2], [0xC3, 0xA9])) != nil)
        let hidden = Table.Column(
            type: .string,
            count: 2,
            nullCount: 1,
            validity: BytesSlice([0b10] as [UInt8]),
            offsets: offsets([0, 1, 2]),
            values: BytesSlice([0xC3, 0x61] as [UInt8])
        )
        #expect(refusal(hidden) == nil)
    }

    @Test func `nulls in a field that has none are refused`() {
        let column = Table.Column(
            type: .number(.int64),
            count: 2,
            nullCount: 1,
            validity: BytesSlice([0b10] as [UInt8]),
            values: BytesSlice([1, 2] as [Int64])
        )
        #expect(refusal(column) == nil)
        #expect(refusal(column, isNullable: false)?.reason.contains("nulls") == true)
    }

    @Test func `counts that lie are refused`() {
        let numbers = BytesSlice([1, 2, 3] as [Int64])
        let cases = [
            Table.Column(type: .number(.int64), count: 4, nullCount: 0, values: numbers),
            Table.Column(type: .number(.int64), count: 3, nullCount: 4, values: numbers),
            Table.Column(
                type: .number(.int64),
                count: 3,
                nullCount: 2,
                validity: BytesSlice([0b011] as [UInt8]),
                values: numbers
            ),
            Table.Column(type: .number(.int64), count: 3, nullCount: 1, values: numbers),
            Table.Column(type: .bool, count: 200, nullCount: 0, values: numbers),
            Table.Column(type: .number(.int64), count: -1, nullCount: 0, values: numbers),
            Table.Column(type: .null, count: .max, nullCount: 0),
        ]
        for column in cases { #expect(refusal(column) != nil, "\(column.type) \(column.count)") }
        let good = Table.Column([1, 2, 3])
        #expect(refusal(good, rows: 2)?.kind == .malformed)
        #expect(refusal(good, rows: -1) != nil)
        #expect(refusal(good, rows: .max)?.kind == .tooLarge)
    }

    @Test func `elements and indices that are not there are refused`() {
        let elements = Table.Column([1, 2, 3])
        let field = Table.Field("item", .number(.int64))
        let list = Table.Column(
            type: .list(field),
            count: 2,
            nullCount: 0,
            offsets: offsets([0, 1, 4]),
            children: [elements]
        )
        #expect(refusal(list)?.reason.contains("4 elements") == true)
        for size in [2, 1 << 30] {
            let fixed = Table.Column(
                type: .fixedList(field, count: size),
                count: 2,
                nullCount: 0,
                children: [elements]
            )
            #expect(refusal(fixed)?.kind == .malformed)
        }
        for index in [[0, 3], [-1, 0], [.max, 0]] as [[Int8]] {
            let column = Table.Column(
                type: .dictionary(index: .int8, values: .number(.int64), isOrdered: false),
                count: 2,
                nullCount: 0,
                values: BytesSlice(index),
                children: [elements]
            )
            #expect(refusal(column)?.reason.contains("dictionary") == true)
        }
    }

    @Test func `columns nested too deep or too many are refused`() throws {
        var type = Table.ColumnType.null
        for _ in 0..<40 { type = .list(Table.Field("item", type)) }
        #expect(refusal(try Table.Column([], as: type))?.kind == .tooLarge)
        let fields = (0...Limits.tableFields).map { Table.Field("\($0)", .null) }
        let wide = try Table(fields: fields, batches: [])
        let error = #expect(throws: TableError.self) {
            try Table(arrowStream: wide.arrowStream())
        }
        #expect(error?.kind == .tooLarge)
    }

    @Test func `a stream that ends anywhere but at its end is refused`() throws {
        let column = Table.Column(["a", "bc", nil])
        let stream = try Table([("c", column)]).arrowStream()
        for end in 0..<stream.count {
            #expect(throws: TableError.self) { try Table(arrowStream: Array(stream[..<end])) }
        }
        #expect(throws: TableError.self) { try Table(arrowStream: stream + [0]) }
        let tail = Array(stream.suffix(8))
        #expect(throws: TableError.self) { try Table(arrowStream: tail) }
        #expect(throws: TableError.self) { try Table(arrowStream: stream + stream) }
    }

    @Test func `a stream at no boundary is copied, not refused`() throws {
        let table = try Table([("c", Table.Column([1, 2, 3]))])
        let stream = table.arrowStream()
        let shifted = BytesSlice(ArrayBytes([0] + stream), 1..<stream.count + 1)
        #expect(try ArrowStreamReader.read(shifted) == table)
    }

    @Test func `any one byte may be another, and the stream is read or refused`() throws {
        let type = Table.ColumnType.list(
            Table.Field("item", .dictionary(index: .int8, values: .string, isOrdered: true))
        )
        let cells: [Value] = [["a", "b"], .null, ["a"], []]
        let table = try Table([
            ("l", try Table.Column(cells, as: type)), ("n", Table.Column([1, nil, 3, 4])),
        ])
        let stream = table.arrowStream()
        for place in stream.indices {
            for byte in [0, 1, 4, 0x7F, 0x80, 0xFF] as [UInt8] where byte != stream[place] {
                var changed = stream
                changed[place] = byte
                guard let read = try? Table(arrowStream: changed) else { continue }
                #expect(read.rows.count == read.rowCount)
            }
        }
    }
}
