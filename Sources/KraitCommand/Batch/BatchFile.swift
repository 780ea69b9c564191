import Glibc
import KraitControl
import KraitObservability
import KraitWire

/// A file of a batch's results: a line `{"row": N, …}` each, in the order they came.
///
/// It survives `kill -9` at any moment: a line is one write at the file's end, and one that is torn
/// is cut off when the file is opened again, or at once where the disk is full.
final class BatchFile: Sendable {
    let path: String
    private let file: Descriptor
    private let state: Lock<State>

    private struct State {
        /// The rows that were in it when it was opened.
        var rows: RowSet
        var length: Int
    }

    /// Opens the file, or makes it; nobody else may write it meanwhile.
    init(_ path: String) throws {
        self.path = path
        file = try Descriptor.open(path, O_RDWR | O_CREAT)
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            throw CommandFailure(.failed, "\(path) is being written by another run")
        }
        let (rows, length) = try Self.scan(file, path)
        guard ftruncate(file.number, off_t(length)) == 0 else {
            throw SystemError("cut \(path)")
        }
        state = Lock(State(rows: rows, length: length))
    }

    /// A process that is just being started may hold the descriptor for a moment longer.
    deinit { flock(file.number, LOCK_UN) }

    var isEmpty: Bool { state.withLock { $0.length == 0 } }

    /// The rows that were in it when it was opened.
    var rows: RowSet { state.withLock { $0.rows } }

    /// Adds a row's line; one that cannot be written whole leaves the file as it was.
    func append(row: Int, _ fields: ValueMap) throws {
        var map: ValueMap = ["row": .int(Int64(row))]
        for (key, value) in fields.entries { map[key] = value }
        let line = Array((try Value.map(map).json() + "\n").utf8)
        try state.withLock { state in
            do throws(SystemError) {
                try Descriptor.writeAll(line, to: file.number)
            } catch {
                ftruncate(file.number, off_t(state.length))
                lseek(file.number, off_t(state.length), SEEK_SET)
                throw SystemError("write \(path)", code: error.code)
            }
            state.length += line.count
        }
    }

    /// Removes all rows.
    func clear() throws(SystemError) {
        try state.withLock { (state) throws(SystemError) in
            guard ftruncate(file.number, 0) == 0, lseek(file.number, 0, SEEK_SET) == 0 else {
                throw SystemError("empty \(path)")
            }
            state = State(rows: RowSet(), length: 0)
        }
    }

    /// Waits until the disk has it.
    func sync() throws(SystemError) {
        guard fdatasync(file.number) == 0 else { throw SystemError("write \(path)") }
    }

    /// The rows of the whole lines, and the length of these.
    ///
    /// Leaves the descriptor behind them.
    private static func scan(
        _ file: borrowing Descriptor,
        _ path: String
    ) throws -> (RowSet, length: Int) {
        var (rows, length, number) = (RowSet(), 0, 0)
        var buffer = LineBuffer(limit: LineServerLimits().lineBytes)
        while true {
            let part = try file.read(upTo: 256 << 10)
            if part.isEmpty { break }
            buffer.append(part)
            while let line = buffer.next() {
                number += 1
                guard case .whole(let bytes) = line, let row = (try? readJSON(bytes))?["row"]?.int,
                    row > 0, row < 1 << 40
                else {
                    throw CommandFailure(
                        .failed,
                        "\(path), line \(number), is no row of a batch; choose another file"
                    )
                }
                rows.insert(Int(row))
                length += bytes.count + 1
            }
        }
        guard lseek(file.number, off_t(length), SEEK_SET) >= 0 else {
            throw SystemError("read \(path)")
        }
        return (rows, length)
    }
}
