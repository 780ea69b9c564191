import Foundation
import KraitTestSupport
import KraitWire
import Testing

/// What Swift writes pyarrow reads, and the other way round, for every type that is carried.
@Suite(.timeLimit(.minutes(3))) struct ArrowExchangeTests {
    private static let tables = 200

    /// Runs a script of the fixtures to its end.
    private func run(_ script: String, _ arguments: [String], in folder: String) async throws {
        let program = try Program(
            TestPools.interpreter,
            ["\(TestPools.fixtures)/Tables/\(script)"] + arguments,
            environment: TestPools.environment,
            folder: folder
        )
        let code = try await program.end(within: .seconds(150))
        #expect(code == 0, "\(program.errors)")
    }

    private func write(_ bytes: some Sequence<UInt8>, _ path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
    }

    private func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    private func cells(_ table: Table) -> Value {
        let rows = table.batches.flatMap { batch in
            (0..<batch.rowCount).map { row in
                Value.list(batch.columns.map { $0.value(at: row) })
            }
        }
        return .list(rows)
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `tables of all types go to pyarrow and back, and pyarrow's come here`(
        seed: UInt64
    ) async throws {
        try await withTemporaryDirectory { folder in
            var random = RandomTables(seed: seed)
            var written: [Table] = []
            for number in 0..<Self.tables {
                let (table, rows) = try random.table()
                #expect(cells(table) == .list(rows.map { .list($0) }), "seed \(seed)")
                let stream = table.arrowStream()
                #expect(try Table(arrowStream: stream) == table)
                try write(stream, "\(folder)/swift-\(number).arrow")
                let json = try cells(table).json()
                try write(json.utf8, "\(folder)/swift-\(number).json")
                written.append(table)
            }
            try await run("exchange.py", [folder, "\(seed)", "\(Self.tables)"], in: folder)
            for (number, table) in written.enumerated() {
                let back = try Table(arrowStream: try read("\(folder)/back-\(number).arrow"))
                #expect(back == table, "seed \(seed), table \(number)")
            }
            for number in 0..<Self.tables {
                let stream = try read("\(folder)/python-\(number).arrow")
                let json = String(
                    decoding: try read("\(folder)/python-\(number).json"),
                    as: UTF8.self
                )
                let found = try cells(try Table(arrowStream: stream)).json()
                // As texts: NaN is not equal to itself.
                #expect(found == (try Value(json: json).json()), "seed \(seed), table \(number)")
            }
        }
    }

    @Test func `what pyarrow writes and Krait does not carry is refused by name`() async throws {
        try await withTemporaryDirectory { folder in
            try await run("refused.py", [folder], in: folder)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(".arrow") }
            #expect(files.count == 12)
            for file in files {
                let stream = try read("\(folder)/\(file)")
                let error = #expect(throws: TableError.self, "\(file)") {
                    try Table(arrowStream: stream)
                }
                #expect(error?.kind == .unsupported, "\(file): \(String(describing: error))")
            }
        }
    }

    private func write<Number: TableNumber>(
        _ numbers: [Number],
        _ shape: [Int],
        _ folder: String
    ) throws -> (String, Tensor) {
        let tensor = try Tensor(numbers, shape: shape)
        let extents = shape.map(String.init).joined(separator: "x")
        let name = "\(Number.numberType.rawValue)-\(extents).tensor"
        try write(tensor.arrowMessage(), "\(folder)/swift-\(name)")
        return (name, tensor)
    }

    @Test func `tensors of all types go to pyarrow and numpy and back`() async throws {
        try await withTemporaryDirectory { folder in
            var written: [(String, Tensor)] = []
            for shape in [[1], [7], [2, 3], [2, 1, 3], [0, 4], [64]] {
                let range = 0..<shape.reduce(1, *)
                written += [
                    try write(range.map { Int8($0) }, shape, folder),
                    try write(range.map { Int16($0) }, shape, folder),
                    try write(range.map { Int32($0) }, shape, folder),
                    try write(range.map { Int64($0) }, shape, folder),
                    try write(range.map { UInt8($0) }, shape, folder),
                    try write(range.map { UInt16($0) }, shape, folder),
                    try write(range.map { UInt32($0) }, shape, folder),
                    try write(range.map { UInt64($0) }, shape, folder),
                    try write(range.map { Float16($0) }, shape, folder),
                    try write(range.map { Float($0) }, shape, folder),
                    try write(range.map { Double($0) }, shape, folder),
                ]
            }
            try await run("tensors.py", [folder], in: folder)
            for (name, tensor) in written where tensor.count > 0 {
                #expect(try Tensor(arrowMessage: try read("\(folder)/back-\(name)")) == tensor)
            }
        }
    }
}
