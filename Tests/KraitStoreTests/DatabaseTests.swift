import CSQLite
import Foundation
import KraitTestSupport
import Testing

@testable import KraitStore

/// The database, with real files.
@Suite(.timeLimit(.minutes(1))) struct DatabaseTests {
    private static let tables = ["CREATE TABLE things (name TEXT PRIMARY KEY, value)"]

    private func withDatabase(
        _ settings: Database.Settings = .init(),
        _ body: (Database, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/things.sqlite"
            try await body(try Database(path: path, tables: Self.tables, settings: settings), path)
        }
    }

    private func failure<Result>(
        _ body: () async throws(StoreError) -> Result
    ) async -> StoreError? {
        do throws(StoreError) {
            _ = try await body()
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        StoreValue.null, .int(.min), .int(.max), .double(-0.5), .text(""), .text("a\u{0}é🐍"),
        .bytes([]), .bytes([0, 255]),
    ])
    func `a value comes back as it was`(value: StoreValue) async throws {
        try await withDatabase { database, _ in
            try await database.run("INSERT INTO things VALUES ('a', ?)", value)
            let found = try await database.rows("SELECT value, typeof(value) FROM things") { row in
                switch row.text(1) {
                case "integer": row.int(0).map(StoreValue.int)
                case "real": row.double(0).map(StoreValue.double)
                case "text": row.text(0).map(StoreValue.text)
                case "blob": row.bytes(0).map(StoreValue.bytes)
                default: row.bytes(0) == nil && row.text(0) == nil ? StoreValue.null : nil
                }
            }
            #expect(found == [value])
        }
    }

    @Test func `what was written is there for the next one, and the file is private`() async throws
    {
        try await withDatabase { database, path in
            #expect(try await database.run("INSERT INTO things VALUES ('a', 1), ('b', 2)") == 2)
            let other = try Database(path: path, tables: Self.tables)
            let names = try await other.rows("SELECT name FROM things ORDER BY name") { $0.text(0) }
            #expect(names == ["a", "b"])
            for name in [path, "\(path)-wal"] {
                let mode = try FileManager.default.attributesOfItem(atPath: name)[.posixPermissions]
                #expect(mode as? Int == 0o600, "\(name)")
            }
        }
    }

    @Test func `a transaction that throws has done nothing`() async throws {
        try await withDatabase { database, _ in
            let error = await failure { () throws(StoreError) in
                try await database.perform { database throws(StoreError) in
                    try database.transaction { () throws(StoreError) in
                        try database.run("INSERT INTO things VALUES ('a', 1)")
                        try database.run("INSERT INTO things VALUES ('a', 2)")
                    }
                }
            }
            #expect(error?.kind == .failed)
            #expect(error?.description.contains("'a'") == false)
            let count = try await database.rows("SELECT count(*) FROM things") { $0.int(0) }
            #expect(count == [0])
            // And the next one begins.
            try await database.perform { database throws(StoreError) in
                try database.transaction { () throws(StoreError) in
                    try database.run("INSERT INTO things VALUES ('a', 1)")
                }
            }
        }
    }

    @Test func `tables grow by one text after the other`() async throws {
        try await withDatabase { database, path in
            try await database.open()
            let more = Self.tables + ["ALTER TABLE things ADD COLUMN more"]
            let newer = try Database(path: path, tables: more)
            try await newer.run("INSERT INTO things VALUES ('a', 1, 2)")
            let older = try Database(path: path, tables: Self.tables)
            let error = await failure { () throws(StoreError) in try await older.open() }
            #expect(error?.kind == .newer)
        }
    }

    @Test func `a full file is told, and what was there stays`() async throws {
        var settings = Database.Settings()
        settings.bytes = 64 << 10
        try await withDatabase(settings) { database, _ in
            try await database.run("INSERT INTO things VALUES ('a', 1)")
            let large = StoreValue.bytes(Array(repeating: 7, count: 128 << 10))
            let error = await failure { () throws(StoreError) in
                try await database.run("INSERT INTO things VALUES ('b', ?)", large)
            }
            #expect(error?.kind == .full)
            let names = try await database.rows("SELECT name FROM things") { $0.text(0) }
            #expect(names == ["a"])
        }
    }

    @Test func `a file that is no database is told, and left alone`() async throws {
        try await withDatabase { database, path in
            let precious = Data(repeating: 65, count: 8_192)
            try precious.write(to: URL(filePath: path))
            for _ in 0..<2 {
                let error = await failure { () throws(StoreError) in try await database.open() }
                #expect(error?.kind == .corrupt)
                #expect(error?.description.contains(path) == true)
            }
            #expect(try Data(contentsOf: URL(filePath: path)) == precious)
            // Once it is out of the way, the next use opens.
            try FileManager.default.removeItem(atPath: path)
            try await database.open()
        }
    }

    @Test func `a folder that is not there, or not to be written, is told`() async throws {
        try await withTemporaryDirectory { folder in
            for path in ["\(folder)/no/such", folder] {
                let database = try Database(path: path, tables: Self.tables)
                let error = await failure { () throws(StoreError) in try await database.open() }
                #expect(error?.kind == .denied, "\(path)")
            }
        }
    }

    @Test func `who waits for another's transaction is told after its patience`() async throws {
        var settings = Database.Settings()
        settings.patience = .milliseconds(20)
        try await withDatabase(settings) { database, path in
            try await database.open()
            var other: OpaquePointer?
            #expect(sqlite3_open(path, &other) == SQLITE_OK)
            defer { sqlite3_close(other) }
            #expect(sqlite3_exec(other, "BEGIN IMMEDIATE", nil, nil, nil) == SQLITE_OK)
            let error = await failure { () throws(StoreError) in
                try await database.run("INSERT INTO things VALUES ('a', 1)")
            }
            #expect(error?.kind == .busy)
            #expect(sqlite3_exec(other, "COMMIT", nil, nil, nil) == SQLITE_OK)
            try await database.run("INSERT INTO things VALUES ('a', 1)")
        }
    }

    @Test func `any number of statements is prepared, a bounded number kept`() async throws {
        try await withDatabase { database, _ in
            for number in 0..<(3 * Connection.mostStatements) {
                let found = try await database.rows("SELECT \(number)") { $0.int(0) }
                #expect(found == [Int64(number)])
            }
        }
    }

    @Test func `many tasks at once take turns`() async throws {
        try await withDatabase { database, _ in
            try await database.run("INSERT INTO things VALUES ('a', 0)")
            try await withThrowingDiscardingTaskGroup { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await database.perform { database throws(StoreError) in
                            try database.transaction { () throws(StoreError) in
                                let sql = "SELECT value FROM things"
                                let value = try database.rows(sql) { $0.int(0) ?? 0 }[0]
                                try database.run("UPDATE things SET value = ?", .int(value + 1))
                            }
                        }
                    }
                }
            }
            let found = try await database.rows("SELECT value FROM things") { $0.int(0) }
            #expect(found == [200])
        }
    }
}
