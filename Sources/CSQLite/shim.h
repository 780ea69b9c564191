#include <sqlite3.h>

// SQLITE_TRANSIENT is a cast that Swift does not see: SQLite takes copies.

static inline int krait_sqlite_bind_text(
    sqlite3_stmt *statement, int place, const char *text, sqlite3_uint64 length) {
    // A null pointer would be NULL, and no text is not nothing.
    const char *known = text ? text : "";
    return sqlite3_bind_text64(statement, place, known, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int krait_sqlite_bind_bytes(
    sqlite3_stmt *statement, int place, const void *bytes, sqlite3_uint64 length) {
    if (length == 0) return sqlite3_bind_zeroblob(statement, place, 0);
    return sqlite3_bind_blob64(statement, place, bytes, length, SQLITE_TRANSIENT);
}
