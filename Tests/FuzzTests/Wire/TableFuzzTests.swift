import KraitTestSupport
import KraitWire
import Testing

/// Any bytes may come as a table, a tensor or a compressed part.
@Suite struct TableFuzzTests {
    private static let streams: [[UInt8]] = {
        let fields = [
            Table.Field("n", .number(.int32)), Table.Field("t", .string),
            Table.Field("l", .largeList(Table.Field("item", .number(.float64)))),
            Table.Field("d", .dictionary(index: .uint8, values: .string, isOrdered: false)),
            Table.Field("f", .fixedList(Table.Field("item", .bool), count: 2)),
            Table.Field(
                "s",
                .structure([Table.Field("when", .timestamp(.millisecond, zone: "Z"))])
            ),
        ]
        let rows: [ValueMap] = [
            ["n": 1, "t": "é", "l": [1, 2], "d": "a", "f": [true, false]],
            ["n": .null, "t": "", "l": [], "d": "b", "s": ["when": .null]], [:],
        ]
        let tables = [
            try? Table(rows: rows, fields: fields),
            try? Table([("x", Table.Column([1, 2, 3]))]),
            try? Table(rows: [], fields: fields),
        ]
        return tables.compactMap { $0?.arrowStream() }
    }()

    private static let pieces: [[UInt8]] =
        [0, 1, 2, 4, 8, 0x7F, 0x80, 0xFF].map { [$0] }
        + [
            [0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 0, 0, 0, 0],
            [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], [0, 0, 0, 0x80], [1, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0x40],
        ]

    /// Bytes changed by a few single ones more often than by pieces: those move all behind them.
    private func each(
        _ part: UInt64,
        _ seeds: [[UInt8]],
        _ body: ([UInt8]) throws -> Void
    ) rethrows {
        var mutator = Mutator(
            seed: FuzzRun.seed &* 7_919 &+ part,
            bytes: seeds,
            pieces: Self.pieces,
            maximum: 1 << 16
        )
        var random = SplitMix64(seed: part)
        for round in 0..<(FuzzRun.rounds / FuzzRun.parts.count) {
            guard round % 3 > 0, var bytes = seeds.randomElement(using: &random) else {
                try body(mutator.bytes())
                continue
            }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                let piece = Self.pieces.randomElement(using: &random) ?? []
                for (offset, byte) in piece.enumerated() where at + offset < bytes.count {
                    bytes[at + offset] = byte
                }
            }
            try body(bytes)
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any bytes are a table that can be walked and written, or are refused`(
        part: UInt64
    ) throws {
        #expect(Self.streams.count == 3)
        try each(part, Self.streams) { bytes in
            let table: Table
            do throws(TableError) { table = try Table(arrowStream: bytes) } catch {
                return #expect(!error.reason.isEmpty)
            }
            for batch in table.batches {
                for column in batch.columns {
                    // Lists of nothing may be long: a few cells of each.
                    for row in 0..<min(batch.rowCount, 8) where isSmall(column, row) {
                        _ = column.value(at: row)
                    }
                }
            }
            #expect(table.arrowStream() == bytes)
            let again = try Table(
                fields: table.fields,
                metadata: table.metadata,
                batches: table.batches.map(\.columns).filter { !$0.isEmpty }
            )
            #expect(try Table(arrowStream: again.arrowStream()).fields == table.fields)
        }
    }

    private func isSmall(_ column: Table.Column, _ row: Int) -> Bool {
        (column.elements?.count ?? 0) < 1_000
    }

    @Test(arguments: FuzzRun.parts)
    func `any bytes are a tensor within its message, or are refused`(part: UInt64) throws {
        let seeds = [
            try Tensor([1, 2, 3, 4, 5, 6] as [Float16], shape: [2, 3]).arrowMessage(),
            try Tensor([Double](), shape: [0, 4]).arrowMessage(),
            try Tensor([7 as UInt64], shape: []).arrowMessage(),
        ]
        each(part, seeds) { bytes in
            do throws(TableError) {
                let tensor = try Tensor(arrowMessage: bytes)
                #expect(tensor.byteCount <= bytes.count)
                #expect(tensor.shape.reduce(1, *) == tensor.count)
                _ = tensor.withUnsafeBytes { $0.reduce(0, ^) }
            } catch { #expect(!error.reason.isEmpty) }
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any bytes are a compressed part of the length they say, or are refused`(
        part: UInt64
    ) throws {
        let text = Array(String(repeating: "again and again ", count: 40).utf8)
        for compression in Compression.allCases {
            let packed = try #require(text.withUnsafeBytes { compression.compress($0) })
            each(part, [packed]) { bytes in
                bytes.withUnsafeBytes { bytes in
                    do throws(WireError) {
                        let raw = try compression.decompress(bytes, limit: 1 << 16)
                        #expect(raw.count <= 1 << 16)
                    } catch { #expect(error.name == "malformed_body") }
                }
            }
        }
    }
}
