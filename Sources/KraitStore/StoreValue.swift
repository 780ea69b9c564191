import CSQLite

/// What a statement is given in the place of a `?`.
package enum StoreValue: Sendable, Hashable {
    case null
    case int(Int64)
    case double(Double)
    case text(String)
    case bytes([UInt8])

    /// Gives it to a statement, which takes a copy.
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32 {
        switch self {
        case .null: return sqlite3_bind_null(statement, place)
        case .int(let value): return sqlite3_bind_int64(statement, place, value)
        case .double(let value): return sqlite3_bind_double(statement, place, value)
        case .text(var value):
            return value.withUTF8 { text in
                text.withMemoryRebound(to: CChar.self) { text in
                    krait_sqlite_bind_text(
                        statement,
                        place,
                        text.baseAddress,
                        UInt64(text.count)
                    )
                }
            }
        case .bytes(let value):
            return value.withUnsafeBytes { bytes in
                krait_sqlite_bind_bytes(statement, place, bytes.baseAddress, UInt64(bytes.count))
            }
        }
    }
}

/// A row of an answer, while it is read; columns count from 0.
package struct StoreRow: ~Copyable {
    let statement: OpaquePointer

    /// Nil where it is NULL.
    package func int(_ column: Int32) -> Int64? {
        isNull(column) ? nil : sqlite3_column_int64(statement, column)
    }

    /// Nil where it is NULL.
    package func double(_ column: Int32) -> Double? {
        isNull(column) ? nil : sqlite3_column_double(statement, column)
    }

    /// Nil where it is NULL.
    package func text(_ column: Int32) -> String? {
        guard let text = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    /// Nil where it is NULL.
    package func bytes(_ column: Int32) -> [UInt8]? {
        if isNull(column) { return nil }
        let bytes = sqlite3_column_blob(statement, column)
        let count = Int(sqlite3_column_bytes(statement, column))
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    private func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(statement, column) == SQLITE_NULL
    }
}
