import KraitTestSupport
import KraitWire

/// Makes tables of every type that Krait carries: the same ones for the same seed.
struct RandomTables {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func number(_ range: Range<Int>) -> Int {
        Int.random(in: range, using: &random)
    }

    private mutating func any<T>(_ choices: [T]) -> T { choices[number(0..<choices.count)] }

    private static let leaves: [Table.ColumnType] =
        NumberType.allCases.map { .number($0) }
        + [
            .null, .bool, .string, .largeString, .binary, .largeBinary, .fixedBinary(3),
            .fixedBinary(0), .date32, .date64, .time32(.second), .time32(.millisecond),
            .time64(.microsecond), .time64(.nanosecond),
        ]
        + Table.TimeUnit.allCases.flatMap { unit -> [Table.ColumnType] in
            [.timestamp(unit, zone: nil), .timestamp(unit, zone: "Europe/Paris"), .duration(unit)]
        }

    /// A type, at most three levels deep.
    mutating func type(depth: Int = 0) -> Table.ColumnType {
        switch number(0..<(depth < 3 ? 11 : 6)) {
        case 0..<6: return any(Self.leaves)
        case 6: return .list(Table.Field("item", type(depth: depth + 1)))
        case 7: return .largeList(Table.Field("item", type(depth: depth + 1)))
        case 8:
            let field = Table.Field("item", type(depth: depth + 1))
            return .fixedList(field, count: number(0..<4))
        case 9:
            let fields = (0..<number(1..<4)).map { "part \($0)" }
            return .structure(fields.map { Table.Field($0, type(depth: depth + 1)) })
        default:
            let index = any([NumberType.int8, .int16, .int32, .int64, .uint8, .uint16])
            let values = any([
                Table.ColumnType.string, .number(.int64), .binary, .timestamp(.second, zone: nil),
                .list(Table.Field("item", .number(.int16))),
            ])
            return .dictionary(index: index, values: values, isOrdered: number(0..<2) == 0)
        }
    }

    /// A cell of a type, null now and then.
    mutating func cell(_ type: Table.ColumnType) -> Value {
        if number(0..<5) == 0 { return .null }
        switch type {
        case .null: return .null
        case .bool: return .bool(number(0..<2) == 0)
        case .number(let number): return cell(number)
        case .string, .largeString: return .string(text())
        case .binary, .largeBinary: return .bytes(bytes(number(0..<9)))
        case .fixedBinary(let count): return .bytes(bytes(count))
        case .timestamp(let unit, _):
            let nanoseconds = unit == .second ? 0 : UInt32(number(0..<1_000) * 1_000_000)
            return .timestamp(
                Timestamp(seconds: Int64(number(-9_000_000..<9_000_000)), nanoseconds: nanoseconds)
            )
        case .date32, .time32, .duration, .time64: return .int(Int64(number(0..<86_400)))
        case .date64: return .int(Int64(number(-9..<9) * 86_400_000))
        case .list(let field), .largeList(let field):
            return .list((0..<number(0..<5)).map { _ in cell(field.type) })
        case .fixedList(let field, let count):
            return .list((0..<count).map { _ in cell(field.type) })
        case .structure(let fields):
            return .map(ValueMap(fields.map { ($0.name, cell($0.type)) }))
        case .dictionary(_, let values, _): return cell(values)
        }
    }

    private mutating func cell(_ number: NumberType) -> Value {
        let pick = self.number(-100..<100)
        return switch number {
        case .int8: .int(any([Int64(Int8.min), Int64(Int8.max), Int64(pick)]))
        case .int16: .int(any([Int64(Int16.min), Int64(Int16.max), Int64(pick)]))
        case .int32: .int(any([Int64(Int32.min), Int64(Int32.max), Int64(pick)]))
        case .int64: .int(any([.min, .max, Int64(pick)]))
        case .uint8: .int(any([0, Int64(UInt8.max), Int64(abs(pick))]))
        case .uint16: .int(any([0, Int64(UInt16.max), Int64(abs(pick))]))
        case .uint32: .int(any([0, Int64(UInt32.max), Int64(abs(pick))]))
        case .uint64: Value(any([0, UInt64.max, UInt64(abs(pick))]))
        default: .double(any([0, -0.0, .infinity, -.infinity, Double(pick) / 8]))
        }
    }

    private mutating func text() -> String {
        String((0..<number(0..<9)).map { _ in any(["a", "é", "😀", "\0", " ", "\u{10FFFF}"]) })
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(number(0..<256)) }
    }

    /// A table with its cells row by row.
    mutating func table() throws -> (table: Table, rows: [[Value]]) {
        let fields = (0..<number(1..<5)).map { column in
            Table.Field(
                "c\(column)",
                type(),
                metadata: number(0..<3) == 0 ? [Table.Note("note", "é")] : []
            )
        }
        var rows: [[Value]] = []
        var batches: [[Table.Column]] = []
        for _ in 0..<number(0..<4) {
            let some = (0..<number(0..<9)).map { _ in fields.map { cell($0.type) } }
            batches.append(
                try fields.enumerated().map { index, field in
                    try Table.Column(some.map { $0[index] }, as: field.type)
                }
            )
            rows += some
        }
        let notes = [Table.Note("made", "here")]
        return (try Table(fields: fields, metadata: notes, batches: batches), rows)
    }
}
