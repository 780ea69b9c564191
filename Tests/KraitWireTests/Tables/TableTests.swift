import Foundation
import Testing

@testable import KraitWire

@Suite struct TableTests {
    private func table() throws -> Table {
        try Table([
            ("id", Table.Column([1, 2, 3] as [Int64])),
            ("name", Table.Column(["a", nil, "é"])),
            ("score", Table.Column([0.5, nil, 2] as [Double?])),
        ])
    }

    @Test func `a table gives its cells, its rows and its columns`() throws {
        let table = try table()
        #expect(table.rowCount == 3 && table.fields.map(\.name) == ["id", "name", "score"])
        #expect(table.value("name", row: 2) == "é" && table.value("score", row: 1) == .null)
        #expect(table.value("other", row: 0) == nil && table["other"] == nil)
        #expect(table.rows[0] == ["id": 1, "name": "a", "score": 0.5])
        let sum = try #require(table["id"]?.first).withNumbers(as: Int64.self) { numbers in
            var sum: Int64 = 0
            for index in numbers.indices { sum += numbers[index] }
            return sum
        }
        #expect(sum == 6)
        #expect(table.description == #"table of 3 rows: "id", "name", "score""#)
    }

    @Test func `tables are equal by their cells, however these are divided`() throws {
        let whole = try Table([("x", Table.Column([1, 2, 3]))])
        let parts = try Table(
            fields: whole.fields,
            batches: [[Table.Column([1])], [Table.Column([2, 3])]]
        )
        #expect(whole == parts && whole.hashValue == parts.hashValue)
        let other = try Table([("x", Table.Column([1, 2, 4]))])
        #expect(whole != other)
        #expect(try Table(arrowStream: whole.arrowStream()) == whole)
    }

    @Test func `rows of values become columns, and say what does not fit`() throws {
        let fields = [
            Table.Field("tags", .list(Table.Field("item", .string))),
            Table.Field("kind", .dictionary(index: .int8, values: .string, isOrdered: false)),
        ]
        let rows: [ValueMap] = [
            ["tags": ["a", "b"], "kind": "x"], ["tags": [], "kind": "x"], [:],
        ]
        let table = try Table(rows: rows, fields: fields)
        #expect(table.rows[1] == ["tags": [], "kind": "x"])
        #expect(table.rows[2] == ["tags": .null, "kind": .null])
        #expect(table["kind"]?.first?.elements?.count == 1)
        let error = #expect(throws: TableError.self) {
            try Table(rows: [["tags": [1]]], fields: fields)
        }
        #expect(error?.kind == .mismatched && error?.place.contains("tags") == true)
    }

    static let misfits: [(Value, Table.ColumnType)] = [
        (300, .number(.uint8)), (-1, .number(.uint64)), (1.5, .number(.int32)), ("x", .bool),
        (.bytes([1]), .fixedBinary(2)), ([1, 2], .fixedList(Table.Field("", .null), count: 3)),
        (.timestamp(Timestamp(seconds: 0, nanoseconds: 1)), .timestamp(.second, zone: nil)),
        (.timestamp(Timestamp(seconds: .max)), .timestamp(.nanosecond, zone: nil)),
        ("x", .number(.float64)), (1, .string),
    ]

    @Test(arguments: misfits)
    func `a value that is not of a column's type is refused`(
        value: Value,
        type: Table.ColumnType
    ) {
        #expect(throws: TableError.self) { try Table.Column([value], as: type) }
    }

    @Test func `columns that do not fit each other are refused`() throws {
        #expect(throws: TableError.self) {
            _ = try Table([("a", Table.Column([1])), ("b", Table.Column([1, 2]))])
        }
        #expect(throws: TableError.self) {
            _ = try Table(fields: [Table.Field("a", .string)], batches: [[Table.Column([1])]])
        }
        #expect(throws: TableError.self) {
            let field = Table.Field("a", .number(.int64), isNullable: false)
            _ = try Table(fields: [field], batches: [[Table.Column([1, nil] as [Int64?])]])
        }
        #expect(throws: TableError.self) {
            _ = try Table(fields: [], batches: [[Table.Column([1])]])
        }
        #expect(throws: TableError.self) { try Table.Column(lists: Table.Column([1, 2]), of: 3) }
    }

    @Test func `numbers are lent as what they are, and as nothing else`() throws {
        let column = Table.Column([1.5, 2.5] as [Float])
        #expect(try column.withUnsafeNumbers(as: Float.self) { Array($0) } == [1.5, 2.5])
        #expect(throws: TableError.self) { try column.withUnsafeNumbers(as: Double.self) { _ in } }
        #expect(throws: TableError.self) {
            try Table.Column(["a"]).withUnsafeNumbers(as: Int32.self) { _ in }
        }
    }

    @Test func `embeddings are lists of one length`() throws {
        let column = try Table.Column(lists: Table.Column([1, 2, 3, 4] as [Float]), of: 2)
        let table = try Table(arrowStream: try Table([("e", column)]).arrowStream())
        #expect(table.value("e", row: 1) == [3.0, 4.0])
        let numbers = try table["e"]?.first?.elements?.withUnsafeNumbers(as: Float.self) {
            Array($0)
        }
        #expect(numbers == [1, 2, 3, 4])
    }

    @Test(arguments: Codec.allCases)
    func `tables and tensors travel beside a body, without a copy`(codec: Codec) throws {
        let table = try Table(arrowStream: try table().arrowStream())
        let tensor = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
        let value: Value = ["t": .table(table), "x": [.tensor(tensor), 1]]
        let encoded = try codec.encodeGathering(value)
        #expect(encoded.attachments.map(\.form) == [.table, .tensor])
        #expect(encoded.attachments[0].storage === table.source?.storage)
        #expect(encoded.attachments[1].storage === tensor.contents.message.storage)
        let back = try codec.decode(
            encoded.bytes,
            attachments: encoded.attachments.map(\.storage)
        )
        #expect(back == value && back["t"]?.table == table && back["x"]?.list?[0].tensor == tensor)
        #expect(throws: WireError.self) { try codec.encode(value) }
        let broken = ArrayBytes([1, 2, 3])
        #expect(throws: WireError.self) {
            try codec.decode(encoded.bytes, attachments: [broken, broken])
        }
    }

    struct Scored: Codable, Equatable {
        var table: Table
        var tensor: Tensor
    }

    @Test func `tables and tensors are fields of Codable types`() throws {
        let input = Scored(table: try table(), tensor: try Tensor([1.5], shape: [1]))
        let value = try ValueEncoder().encode(input)
        #expect(value["table"]?.table == input.table)
        #expect(try ValueDecoder().decode(Scored.self, from: value) == input)
        #expect(throws: ValueError.self) {
            try ValueDecoder().decode(Scored.self, from: ["table": 1, "tensor": 2])
        }
        let json = try JSONEncoder().encode(input)
        #expect(try JSONDecoder().decode(Scored.self, from: json) == input)
    }

    @Test func `times before 1970 are rounded down`() throws {
        let times = [-1, -1_000_000_000, 1, -1_000_000_001].map { Int64($0) }
        for count in times {
            let time = Timestamp(count, of: .nanosecond)
            #expect(time.count(of: .nanosecond) == count)
        }
        #expect(Timestamp(-1, of: .nanosecond) == Timestamp(seconds: -1, nanoseconds: 999_999_999))
        #expect(Timestamp(-1, of: .second) == Timestamp(seconds: -1))
    }
}
