import CSQLite
import Glibc

/// An open file and its prepared statements, used by one thread at a time.
final class Connection {
    private let path: String
    private var handle: OpaquePointer?
    /// Prepared statements by their text.
    private var statements: [String: OpaquePointer] = [:]

    /// Statements that are kept prepared.
    static let mostStatements = 64

    /// Opens the file, and makes it where it is missing.
    init(path: String) throws(StoreError) {
        self.path = path
        // A new file is its user's alone, and so are those that SQLite makes beside it.
        let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        try check(sqlite3_open_v2(path, &handle, flags, nil))
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// How long a statement waits for somebody else who writes.
    func setPatience(_ patience: Duration) throws(StoreError) {
        let milliseconds = Int32(clamping: Int64(patience / .milliseconds(1)))
        try check(sqlite3_busy_timeout(handle, milliseconds))
    }

    /// Whether a transaction is open.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs a statement, calls `body` with each row, and gives how many rows it has changed.
    @discardableResult
    func run(
        _ sql: String,
        _ values: [StoreValue],
        _ body: (borrowing StoreRow) -> Void = { _ in }
    ) throws(StoreError) -> Int {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            try check(value.bind(to: statement, at: Int32(index + 1)))
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: body(StoreRow(statement: statement))
            case SQLITE_DONE: return Int(sqlite3_changes64(handle))
            case let code: throw error(code)
            }
        }
    }

    private func prepared(_ sql: String) throws(StoreError) -> OpaquePointer {
        if let known = statements[sql] { return known }
        var statement: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        try check(sqlite3_prepare_v3(handle, sql, -1, flags, &statement, nil))
        guard let statement else {
            throw StoreError(.failed, path: path, reason: "the statement is empty")
        }
        if statements.count >= Self.mostStatements {
            for old in statements.values { sqlite3_finalize(old) }
            statements = [:]
        }
        statements[sql] = statement
        return statement
    }

    private func check(_ code: Int32) throws(StoreError) {
        if code != SQLITE_OK { throw error(code) }
    }

    private func error(_ code: Int32) -> StoreError {
        let reason = sqlite3_errmsg(handle) ?? sqlite3_errstr(code)
        return StoreError(
            code: code,
            number: sqlite3_system_errno(handle),
            path: path,
            reason: reason.map { String(cString: $0) } ?? "error \(code)"
        )
    }
}
