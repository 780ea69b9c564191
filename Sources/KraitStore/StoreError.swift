import CSQLite
import Glibc

/// Why a database did not do what it was asked; its text holds no value.
package struct StoreError: Error, Sendable, Equatable {
    /// What went wrong, for programs.
    package enum Kind: String, Sendable {
        /// The file cannot be opened, made or written.
        case denied
        /// The file is no database, or a damaged one.
        case corrupt
        /// The disk is full, or the file as large as it may be.
        case full
        /// Somebody else holds the database, for longer than was waited.
        case busy
        /// A newer version of the program has made the tables.
        case newer
        /// Anything else, such as a statement that does not fit the tables.
        case failed
    }

    package var kind: Kind
    package var path: String
    /// What SQLite or the system says.
    package var reason: String

    package init(_ kind: Kind, path: String, reason: String) {
        self.kind = kind
        self.path = path
        self.reason = reason
    }

    /// What a result of SQLite's means; `number` is the system's error behind it, or 0.
    init(code: Int32, number: Int32, path: String, reason: String) {
        let isFull = [ENOSPC, EDQUOT].contains(number)
        let kind: Kind
        switch code & 0xFF {
        case SQLITE_FULL: kind = .full
        case SQLITE_IOERR where isFull: kind = .full
        case SQLITE_CORRUPT, SQLITE_NOTADB: kind = .corrupt
        case SQLITE_BUSY, SQLITE_LOCKED: kind = .busy
        case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: kind = .denied
        default: kind = .failed
        }
        self.init(kind, path: path, reason: reason)
    }
}

extension StoreError: CustomStringConvertible {
    /// What happened, where, and what to do about it.
    package var description: String {
        switch kind {
        case .denied: "\(path) cannot be used as a database: \(reason)"
        case .corrupt: "\(path) is no database, or a damaged one: \(reason); move it away"
        case .full: "\(path) has no room left: \(reason)"
        case .busy: "\(path) is held by somebody else: \(reason)"
        case .newer: "\(path) was made by a newer Krait: \(reason)"
        case .failed: "\(path): \(reason)"
        }
    }
}
