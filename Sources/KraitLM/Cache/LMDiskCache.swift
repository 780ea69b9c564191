import Glibc
import KraitObservability
import KraitStore
import KraitWire

/// Answers that outlive the process, in a file of SQLite's.
///
/// A request is known by its digest alone. What goes wrong with the file is told and never a
/// call's failure: an answer that cannot be found was not there, and one that cannot be kept is
/// not. A file that is damaged, denied or too new is not tried again.
final class LMDiskCache: Sendable {
    private struct State {
        var isOff = false
        var toldAt: ContinuousClock.Instant?
    }

    private let database: Database?
    private let limit: Int
    private let events: EventSink
    private let state = Lock(State())

    /// How old a mark of use may be before it is made anew: a write for each hit would be one too
    /// many.
    static let freshMicroseconds: Int64 = 60_000_000
    /// The time between two lines about what goes wrong again and again.
    private static let tellEvery = Duration.seconds(60)
    /// What an answer takes beside its bytes, about.
    private static let overhead = 128

    private static let tables = [
        """
        CREATE TABLE answers (
            key BLOB PRIMARY KEY, answer BLOB NOT NULL, size INTEGER NOT NULL,
            used INTEGER NOT NULL)
        """,
        "CREATE INDEX answers_used ON answers (used)",
        "CREATE TABLE total (bytes INTEGER NOT NULL)",
        "INSERT INTO total VALUES (0)",
        // Kept by the database, as several processes may write.
        """
        CREATE TRIGGER added AFTER INSERT ON answers BEGIN
            UPDATE total SET bytes = bytes + new.size; END
        """,
        """
        CREATE TRIGGER removed AFTER DELETE ON answers BEGIN
            UPDATE total SET bytes = bytes - old.size; END
        """,
        """
        CREATE TRIGGER changed AFTER UPDATE OF size ON answers BEGIN
            UPDATE total SET bytes = bytes + new.size - old.size; END
        """,
    ]

    init(_ settings: LMCacheSettings.Disk, events: EventSink) {
        var events = events
        events[metadataKey: .path] = .string(settings.file)
        self.events = events
        limit = settings.bytes
        var store = Database.Settings()
        // It can be made again.
        store.durability = .none
        store.patience = .milliseconds(250)
        // Pages are not full: the file is larger than what it holds.
        store.bytes = settings.bytes.multipliedReportingOverflow(by: 2).partialValue + 16 << 20
        do throws(StoreError) {
            database = try Database(path: settings.file, tables: Self.tables, settings: store)
        } catch {
            database = nil
            tell(error)
        }
    }

    /// The answers of these requests, where they are there.
    func find(_ keys: [LMCacheKey]) async -> [CachedAnswer?] {
        let nothing = [CachedAnswer?](repeating: nil, count: keys.count)
        guard let database, !state.withLock({ $0.isOff }) else { return nothing }
        let (names, now) = (keys.map(\.digest), Self.now)
        do throws(StoreError) {
            let found = try await database.perform { database throws(StoreError) in
                var found: [[UInt8]?] = []
                for name in names { found.append(try Self.answer(name, now, in: database)) }
                return found
            }
            return found.map { $0.flatMap { CachedAnswer(stored: $0) } }
        } catch {
            tell(error)
            return nothing
        }
    }

    private static func answer(
        _ name: [UInt8],
        _ now: Int64,
        in database: isolated Database
    ) throws(StoreError) -> [UInt8]? {
        let sql = "SELECT answer, used FROM answers WHERE key = ?"
        let rows = try database.rows(sql, .bytes(name)) { row in
            (answer: row.bytes(0), used: row.int(1) ?? 0)
        }
        guard let row = rows.first else { return nil }
        if now - row.used > freshMicroseconds {
            // One that cannot be marked is found all the same.
            let sql = "UPDATE answers SET used = ? WHERE key = ?"
            _ = try? database.run(sql, .int(now), .bytes(name))
        }
        return row.answer
    }

    /// Keeps answers, and lets those go that were not asked for longest.
    func put(_ answers: [(key: LMCacheKey, answer: CachedAnswer)]) async {
        guard let database, !state.withLock({ $0.isOff }) else { return }
        let (limit, now) = (limit, Self.now)
        let rows = answers.compactMap { entry -> (name: [UInt8], answer: [UInt8])? in
            guard let stored = entry.answer.stored, stored.count + Self.overhead <= limit else {
                return nil
            }
            return (entry.key.digest, stored)
        }
        guard !rows.isEmpty else { return }
        do throws(StoreError) {
            try await database.perform { database throws(StoreError) in
                try database.transaction { () throws(StoreError) in
                    for row in rows { try Self.insert(row.name, row.answer, now, into: database) }
                    try Self.evict(to: limit, in: database)
                }
            }
        } catch { tell(error) }
    }

    private static func insert(
        _ name: [UInt8],
        _ answer: [UInt8],
        _ now: Int64,
        into database: isolated Database
    ) throws(StoreError) {
        try database.run(
            """
            INSERT INTO answers VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
            SET answer = excluded.answer, size = excluded.size, used = excluded.used
            """,
            .bytes(name),
            .bytes(answer),
            .int(Int64(answer.count + overhead)),
            .int(now)
        )
    }

    private static func evict(
        to limit: Int,
        in database: isolated Database
    ) throws(StoreError) {
        let oldest = "SELECT rowid FROM answers ORDER BY used LIMIT 1"
        while try database.rows("SELECT bytes FROM total", read: { $0.int(0) ?? 0 })[0] > limit {
            guard try database.run("DELETE FROM answers WHERE rowid = (\(oldest))") > 0 else {
                return
            }
        }
    }

    /// Tells what is wrong, not too often.
    private func tell(_ error: StoreError) {
        let now = ContinuousClock.now
        let isNew = state.withLock { state in
            if [.corrupt, .denied, .newer].contains(error.kind) {
                defer { state.isOff = true }
                return !state.isOff
            }
            if let told = state.toldAt, told.duration(to: now) < Self.tellEvery { return false }
            state.toldAt = now
            return true
        }
        if isNew { events.emit(.lmCacheFailed, metadata: [.reason: "\(error)"]) }
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

extension LMCacheKey {
    /// What stands for the request on disk.
    var digest: [UInt8] { SHA256.digest(of: bytes) }
}

extension CachedAnswer {
    private static let responseKind: UInt8 = 0
    private static let vectorKind: UInt8 = 1

    /// As it lies on disk: its kind, and a chat completion in MessagePack, or numbers of 4 bytes;
    /// nil where there is no form for it.
    var stored: [UInt8]? {
        switch self {
        case .response(let response):
            let body = OpenAIDialect.body(of: response)
            return (try? Codec.messagePack.encode(body)).map { [Self.responseKind] + $0 }
        case .vector(let numbers):
            return numbers.reduce(into: [Self.vectorKind]) { bytes, number in
                withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 }
            }
        }
    }

    /// Nil where it is none: somebody else's, or a damaged one.
    init?(stored bytes: [UInt8]) {
        switch bytes.first {
        case Self.responseKind:
            let body = bytes.withUnsafeBytes { bytes in
                try? Codec.messagePack.decode(UnsafeRawBufferPointer(rebasing: bytes[1...]))
            }
            guard let body, let response = try? OpenAIDialect().response(body, model: "") else {
                return nil
            }
            self = .response(response)
        case Self.vectorKind where bytes.count % 4 == 1:
            let numbers = stride(from: 1, to: bytes.count, by: 4).map { offset in
                let bits = bytes.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                }
                return Float(bitPattern: UInt32(littleEndian: bits))
            }
            self = .vector(numbers)
        default: return nil
        }
    }
}
