import KraitStore
import KraitWire

/// What is kept of sessions, in a file: enough to go on with each after the process has ended.
struct SessionStore: Sendable {
    /// What a session was begun with, and what is known of its last checkpoint but the state.
    struct Entry: Sendable, Equatable {
        var name: String
        var owner: String
        var pool: String
        /// What it was begun with, for its terms.
        var terms: Value
        /// Seconds since 1970; with the name it says which session this is.
        var begun: Double
        var used: Double
        var saved: Double?
        /// How many calls have changed the state that is kept, in the worker's count.
        var version: Int
        var bytes: Int
        /// The DSPy that gave the state.
        var dspy: String
        /// What of it could not be saved, by name.
        var missing: [String]

        init(
            name: String,
            owner: String,
            pool: String,
            terms: Value,
            begun: Double
        ) {
            self.name = name
            self.owner = owner
            self.pool = pool
            self.terms = terms
            self.begun = begun
            used = begun
            version = 0
            bytes = 0
            dspy = ""
            missing = []
        }
    }

    /// A session's state as a worker gave it.
    struct Checkpoint: Sendable {
        var name: String
        var begun: Double
        var state: [UInt8]
        var version: Int
        var dspy: String
        var missing: [String]
        var at: Double
    }

    private static let tables = [
        """
        CREATE TABLE sessions (
            name TEXT PRIMARY KEY, owner TEXT NOT NULL, pool TEXT NOT NULL, terms TEXT NOT NULL,
            begun REAL NOT NULL, used REAL NOT NULL, saved REAL, version INTEGER NOT NULL,
            dspy TEXT NOT NULL, missing TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE session_states (
            name TEXT PRIMARY KEY REFERENCES sessions ON DELETE CASCADE, spec BLOB NOT NULL,
            state BLOB
        ) STRICT
        """,
    ]

    private let database: Database

    /// A store in that file; nothing is opened yet.
    init(
        path: String,
        settings: Database.Settings = Database.Settings()
    ) throws(StoreError) {
        database = try Database(path: path, tables: Self.tables, settings: settings)
    }

    var path: String { database.path }

    /// All sessions, without specs and states.
    func all() async throws(StoreError) -> [Entry] {
        try await database.rows(
            """
            SELECT name, owner, pool, terms, begun, used, saved, version, dspy, missing,
                length(state) FROM sessions JOIN session_states USING (name) ORDER BY begun, name
            """
        ) { row in
            var entry = Entry(
                name: row.text(0) ?? "",
                owner: row.text(1) ?? "",
                pool: row.text(2) ?? "",
                terms: row.text(3).flatMap { try? Value(json: $0) } ?? [:],
                begun: row.double(4) ?? 0
            )
            entry.used = row.double(5) ?? 0
            entry.saved = row.double(6)
            entry.version = Int(row.int(7) ?? 0)
            entry.dspy = row.text(8) ?? ""
            let missing = row.text(9).flatMap { try? Value(json: $0) }?.list
            entry.missing = missing?.compactMap(\.string) ?? []
            entry.bytes = Int(row.int(10) ?? 0)
            return entry
        }
    }

    /// Keeps a session that has begun.
    func begin(_ entry: Entry, spec: [UInt8]) async throws(StoreError) {
        let terms = (try? entry.terms.json()) ?? "{}"
        try await database.perform { database throws(StoreError) in
            try database.transaction { () throws(StoreError) in
                try database.run(
                    "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, NULL, 0, '', '[]')",
                    .text(entry.name),
                    .text(entry.owner),
                    .text(entry.pool),
                    .text(terms),
                    .double(entry.begun),
                    .double(entry.used)
                )
                try database.run(
                    "INSERT INTO session_states VALUES (?, ?, NULL)",
                    .text(entry.name),
                    .bytes(spec)
                )
            }
        }
    }

    /// Keeps states, all of them or none, but for those that are over or of an earlier version.
    func save(_ checkpoints: [Checkpoint]) async throws(StoreError) {
        try await database.perform { database throws(StoreError) in
            try database.transaction { () throws(StoreError) in
                for checkpoint in checkpoints {
                    let missing = Value.list(checkpoint.missing.map(Value.string))
                    let count = try database.run(
                        """
                        UPDATE sessions SET used = ?3, saved = ?3, version = ?4, dspy = ?5,
                            missing = ?6 WHERE name = ?1 AND begun = ?2 AND version <= ?4
                        """,
                        .text(checkpoint.name),
                        .double(checkpoint.begun),
                        .double(checkpoint.at),
                        .int(Int64(checkpoint.version)),
                        .text(checkpoint.dspy),
                        .text((try? missing.json()) ?? "[]")
                    )
                    // It is over, or a later state is there.
                    guard count > 0 else { continue }
                    try database.run(
                        "UPDATE session_states SET state = ?2 WHERE name = ?1",
                        .text(checkpoint.name),
                        .bytes(checkpoint.state)
                    )
                }
            }
        }
    }

    /// What a session was begun with, and its last state; nil where it is not there.
    func load(
        _ name: String
    ) async throws(StoreError) -> (spec: [UInt8], state: [UInt8]?)? {
        try await database.rows(
            "SELECT spec, state FROM session_states WHERE name = ?",
            .text(name)
        ) { (spec: $0.bytes(0) ?? [], state: $0.bytes(1)) }.first
    }

    /// Forgets sessions.
    func end(_ names: [String]) async throws(StoreError) {
        try await database.perform { database throws(StoreError) in
            try database.transaction { () throws(StoreError) in
                for name in names {
                    try database.run("DELETE FROM sessions WHERE name = ?", .text(name))
                }
            }
        }
    }
}
