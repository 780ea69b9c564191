/// A database of SQLite's in a file: write-ahead log, prepared statements, typed errors.
///
/// An actor with a thread of its own: what waits for the disk holds up nobody else. The file is
/// opened with the first use, and by `open()`, whose error it is then; an opening that failed is
/// tried again with the next use. It closes with the last reference.
///
/// ```swift
/// let database = try Database(path: "sessions.sqlite", tables: ["CREATE TABLE …"])
/// try await database.perform { database throws(StoreError) in
///     try database.run("INSERT INTO sessions VALUES (?, ?)", .text(id), .bytes(state))
///     return try database.rows("SELECT count(*) FROM sessions") { $0.int(0) ?? 0 }
/// }
/// ```
package actor Database {
    /// How much is certain to be there after the machine has lost its power; after the end of a
    /// process, however it ended, everything always is.
    package enum Durability: String, Sendable {
        /// Everything that was said to be done.
        case full = "FULL"
        /// Everything but what came last.
        case normal = "NORMAL"
        /// Perhaps a damaged file: for what can be made again.
        case none = "OFF"
    }

    /// What a database keeps to.
    package struct Settings: Sendable {
        package var durability = Durability.normal
        /// How long to wait for somebody else who writes.
        package var patience: Duration = .seconds(5)
        /// How large the file may become; nil for any size.
        package var bytes: Int?

        package init() {}
    }

    package nonisolated let path: String
    private nonisolated let thread: StoreThread
    private let settings: Settings
    private let tables: [String]
    private var connection: Connection?

    /// A database; nothing is opened yet.
    ///
    /// - Parameter tables: what makes the tables: each text is run once in the file's life, in
    ///   order. A change of the tables is one more text at the end, never another text.
    package init(
        path: String,
        tables: [String],
        settings: Settings = Settings()
    ) throws(StoreError) {
        guard let thread = StoreThread() else {
            throw StoreError(.denied, path: path, reason: "there is no thread to be had")
        }
        self.path = path
        self.thread = thread
        self.settings = settings
        self.tables = tables
    }

    deinit { thread.stop() }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Opens the file, and makes it and its tables where they are missing.
    package func open() throws(StoreError) { _ = try opened() }

    /// Runs several statements with nobody else's between them.
    @discardableResult
    package func perform<Result: Sendable>(
        _ body: @Sendable (isolated Database) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try body(self)
    }

    /// Runs a statement; gives how many rows it has changed.
    @discardableResult
    package func run(_ sql: String, _ values: StoreValue...) throws(StoreError) -> Int {
        try opened().run(sql, values)
    }

    /// What `read` makes of the rows of a statement's answer.
    package func rows<Row: Sendable>(
        _ sql: String,
        _ values: StoreValue...,
        read: @Sendable (borrowing StoreRow) -> Row
    ) throws(StoreError) -> [Row] {
        var rows: [Row] = []
        try opened().run(sql, values) { rows.append(read($0)) }
        return rows
    }

    /// Runs `body` so that all of it is done, or nothing of it where it throws.
    @discardableResult
    package func transaction<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let connection = try opened()
        // Takes the lock at once: one taken later may be refused in the middle.
        try connection.run("BEGIN IMMEDIATE", [])
        do throws(StoreError) {
            let result = try body()
            try connection.run("COMMIT", [])
            return result
        } catch {
            // Some errors have rolled it back already.
            if connection.isInTransaction { _ = try? connection.run("ROLLBACK", []) }
            throw error
        }
    }

    // MARK: Opening

    private func opened() throws(StoreError) -> Connection {
        if let connection { return connection }
        let made = try Connection(path: path)
        connection = made
        do throws(StoreError) {
            try setUp(made)
            return made
        } catch {
            connection = nil
            throw error
        }
    }

    private func setUp(_ connection: Connection) throws(StoreError) {
        try connection.setPatience(settings.patience)
        try run("PRAGMA journal_mode = WAL")
        try run("PRAGMA synchronous = \(settings.durability.rawValue)")
        try run("PRAGMA foreign_keys = ON")
        if let bytes = settings.bytes {
            let size = try number("PRAGMA page_size")
            try run("PRAGMA max_page_count = \(max(1, bytes / max(1, size)))")
        }
        guard try number("PRAGMA user_version") != tables.count else { return }
        try transaction { () throws(StoreError) in
            // Somebody else may have made them meanwhile.
            let version = try number("PRAGMA user_version")
            guard version <= tables.count else {
                throw StoreError(
                    .newer,
                    path: path,
                    reason: "its tables are version \(version), known are \(tables.count)"
                )
            }
            for statement in tables[version...] { try run(statement) }
            try run("PRAGMA user_version = \(tables.count)")
        }
    }

    private func number(_ sql: String) throws(StoreError) -> Int {
        try rows(sql) { Int($0.int(0) ?? 0) }.first ?? 0
    }
}
