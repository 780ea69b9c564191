import Foundation
import Glibc
import KraitObservability
import KraitPooling
import KraitStore
import KraitSupervision
import KraitWire

/// What keeps the sessions: reads the file, writes what has come, and ends those whose time is up.
extension SessionBook {
    /// How often it is looked whether sessions' time is up, at the least.
    private static let round: Duration = .seconds(5)
    /// How long to wait before the file is tried again.
    private static let pause: Duration = .seconds(1)

    /// Keeps sessions in a file of that folder until the task is cancelled; what has come by then
    /// is written.
    ///
    /// A file that cannot be used keeps nothing from starting: beginning a session says so.
    ///
    /// - Parameters:
    ///   - bytes: how large the file may become; nil for any size.
    ///   - ended: told of sessions whose time was up.
    func serve(
        in folder: String,
        bytes: Int?,
        _ started: StartSignal,
        ended: @escaping @Sendable ([SessionTable.Session]) -> Void
    ) async {
        let dirty = Mailbox<UInt64>()
        let path = "\(folder)/sessions.sqlite"
        do throws(StoreError) {
            var settings = Database.Settings()
            settings.bytes = bytes
            let store = try SessionStore(path: path, settings: settings)
            state.withLock { state in
                state.store = store
                state.dirty = dirty
                // A file that is not there has nothing to be read.
                state.isLoaded = access(path, F_OK) != 0
            }
            try await load()
        } catch {
            failed(error, session: "*")
        }
        started()
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.write(dirty) }
                group.addTask {
                    while !Task.isCancelled {
                        ended(await self.expire())
                        try? await Task.sleep(for: self.untilNextExpiry())
                    }
                }
            }
        } onCancel: {
            dirty.close()
        }
        state.withLock { $0.store = nil }
    }

    private func untilNextExpiry() -> Duration {
        guard let next = state.withLock({ $0.table.earliestExpiry }) else { return Self.round }
        return min(Self.round, max(.milliseconds(20), Moment.now.duration(to: next)))
    }

    /// Takes the file's sessions over, once.
    private func load() async throws(StoreError) {
        let (store, isLoaded) = state.withLock { ($0.store, $0.isLoaded) }
        guard let store, !isLoaded else { return }
        let entries = try await store.all()
        let now = (moment: Moment.now, seconds: Self.seconds())
        state.withLock { state in
            guard !state.isLoaded else { return }
            state.isLoaded = true
            for entry in entries where state.table[entry.name] == nil {
                let idle = Duration.seconds(max(0, now.seconds - entry.used))
                _ = try? state.table.begin(
                    entry.name,
                    owner: entry.owner,
                    pool: entry.pool,
                    terms: SessionTerms(kept: entry.terms),
                    at: now.moment + (.zero - idle)
                )
                state.entries[entry.name] = entry
            }
        }
    }

    /// Writes what a session is begun with.
    func keep(_ visit: Visit, spec: Value) async throws(CallError) {
        let name = visit.key.name
        let (store, entry) = state.withLock { ($0.store, $0.entries[name]) }
        guard let store, let entry else {
            throw CallError(.shuttingDown, "the orchestrator is not running")
        }
        let bytes: [UInt8]
        do throws(WireError) {
            bytes = try Codec.messagePack.encode(spec)
        } catch {
            throw CallError(.invalidInput, "the session's spec cannot be kept: \(error)")
        }
        do throws(StoreError) {
            try Self.makeFolder(of: store.path)
            try await load()
            try await store.begin(entry, spec: bytes)
            state.withLock { $0.problem = nil }
        } catch {
            throw failed(error, session: name)
        }
    }

    private static func makeFolder(of path: String) throws(StoreError) {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        guard access(folder, F_OK) != 0 else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StoreError(.denied, path: path, reason: "\(folder) cannot be made")
        }
    }

    // MARK: Writing

    private func write(_ dirty: Mailbox<UInt64>) async {
        while let numbers = await dirty.take() {
            guard await !write(numbers), !Task.isCancelled else { continue }
            try? await Task.sleep(for: Self.pause)
            for number in numbers { dirty.put(number) }
        }
    }

    /// Writes a session's last state, if it is not yet, and returns once it is.
    func flush(_ key: SessionKey) async throws(CallError) {
        guard await !write([key.number]) else { return }
        let problem = state.withLock { $0.problem }
        throw CallError(
            .sessionStore,
            "the checkpoint of the session `\(key.name)` could not be written"
                + (problem.map { ": \($0)" } ?? "")
        )
    }

    /// Writes the last states of these sessions in one piece; whether that could be done.
    private func write(_ numbers: [UInt64]) async -> Bool {
        let (found, store) = state.withLock { state in
            let found = Set(numbers).compactMap { number -> (SessionKey, Double, Unwritten)? in
                guard let key = state.table[number]?.key, let unwritten = state.unwritten[number],
                    let begun = state.entries[key.name]?.begun
                else { return nil }
                return (key, begun, unwritten)
            }
            return (found, state.store)
        }
        guard let store else { return true }
        var checkpoints: [SessionStore.Checkpoint] = []
        for (key, begun, unwritten) in found {
            guard let saved = SavedState(unwritten.answer), let bytes = saved.state else {
                events.emit(.sessionTooLarge, metadata: [.session: .string(key.name)])
                continue
            }
            checkpoints.append(
                SessionStore.Checkpoint(
                    name: key.name,
                    begun: begun,
                    state: bytes,
                    version: saved.version,
                    dspy: saved.dspy,
                    missing: saved.missing,
                    at: Self.seconds()
                )
            )
        }
        do throws(StoreError) {
            if !checkpoints.isEmpty { try await store.save(checkpoints) }
        } catch {
            failed(error, session: found.first?.0.name ?? "")
            return false
        }
        state.withLock { state in
            state.problem = nil
            for checkpoint in checkpoints { state.wrote(checkpoint) }
            for (key, _, unwritten) in found { state.isWritten(key.number, unwritten) }
        }
        return true
    }
}

extension SessionBook.State {
    fileprivate mutating func wrote(_ checkpoint: SessionStore.Checkpoint) {
        guard var entry = entries[checkpoint.name], entry.begun == checkpoint.begun,
            entry.version <= checkpoint.version
        else { return }
        entry.version = checkpoint.version
        entry.used = checkpoint.at
        entry.saved = checkpoint.at
        entry.bytes = checkpoint.state.count
        entry.dspy = checkpoint.dspy
        entry.missing = checkpoint.missing
        entries[checkpoint.name] = entry
    }

    /// A state is in the file; one that has come since is not, and is next.
    fileprivate mutating func isWritten(_ number: UInt64, _ written: SessionBook.Unwritten) {
        if writes.count == SessionBook.mostWrites { writes.removeFirst() }
        writes.append(written.came.duration(to: .now))
        guard let there = unwritten[number] else { return }
        guard there.answers == written.answers else { return dirty.put(number) }
        unwritten[number] = nil
        unwrittenBytes -= written.answer.size
    }
}

extension SessionTerms {
    /// As they are kept, and as `session_begin` takes them.
    var value: Value {
        let checkpoints: Value =
            switch checkpoints {
            case .afterCalls(let count): .int(Int64(count))
            case .onDrain: "drain"
            }
        return [
            "affinity": .string(affinity.rawValue), "checkpoints": checkpoints,
            "ttl_s": .double(timeToLive / .seconds(1)),
        ]
    }

    init(kept value: Value) {
        self = (try? SessionTerms(asked: value)) ?? SessionTerms()
    }

    /// Terms as a call asks for them; throws what is wrong with them.
    init(asked value: Value) throws(CallError) {
        self.init()
        guard let map = value.map else { throw Self.wrong("terms", "a map") }
        for (key, value) in map.entries {
            switch key {
            case "affinity":
                guard let known = value.string.flatMap(Affinity.init(rawValue:)) else {
                    throw Self.wrong(key, "preferred or required")
                }
                affinity = known
            case "checkpoints":
                if value == "drain" {
                    checkpoints = .onDrain
                } else if let count = value.int, count > 0 {
                    checkpoints = .afterCalls(count)
                } else {
                    throw Self.wrong(key, "a number of calls above 0, or drain")
                }
            case "ttl_s":
                guard let seconds = value.double, seconds > 0, seconds <= Self.longest else {
                    throw Self.wrong(key, "a number of seconds above 0")
                }
                timeToLive = .seconds(seconds)
            default: throw Self.wrong(key, "none of affinity, checkpoints and ttl_s")
            }
        }
    }

    /// Ten years.
    private static let longest = 86_400.0 * 3_650

    private static func wrong(_ key: String, _ wanted: String) -> CallError {
        CallError(.invalidInput, "a session's terms: `\(key)` is \(wanted)")
    }
}
