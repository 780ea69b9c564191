import Glibc
import KraitControl
import KraitObservability
import KraitWire

/// A daemon's log while it grows: read from its last lines on, across the files it is kept in.
final class LogFile {
    /// How much of the end of each file is looked at for the last lines.
    private static let tail = 16 << 20
    /// How many older files there may be.
    private static let olderFiles = 9

    private let path: String
    private let level: LogLevel?
    private var descriptor: Int32
    private var rest: [UInt8] = []
    /// Whether the line before was shown: what is no line of the log belongs to the one before.
    private var isShown = true

    init(_ path: String, level: LogLevel?) throws(SystemError) {
        self.path = path
        self.level = level
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
    }

    deinit { close(descriptor) }

    /// The last lines there are, and from then on `next`.
    func last(_ count: Int) throws(SystemError) -> [String] {
        var size = lseek(descriptor, 0, Int32(SEEK_END))
        size = max(0, size - off_t(Self.tail))
        lseek(descriptor, size, Int32(SEEK_SET))
        var lines = try next()
        var number = 1
        while lines.count < count, number <= Self.olderFiles {
            guard let older = try? LogFile("\(path).\(number)", level: level) else { break }
            lines = try older.next() + lines
            number += 1
        }
        return Array(lines.suffix(count))
    }

    /// The whole lines that were written since the last time.
    func next() throws(SystemError) -> [String] {
        var bytes = try readOn()
        if hasBeenRotated() {
            let next = open(path, O_RDONLY | O_CLOEXEC)
            if next >= 0 {
                close(descriptor)
                descriptor = next
                bytes += try readOn()
            }
        }
        rest += bytes
        guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let whole = rest[..<end].split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        )
        let lines = whole.map { String(decoding: $0, as: UTF8.self) }
        rest.removeSubrange(...end)
        return lines.filter(shows)
    }

    private func readOn() throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 {
                all += buffer[..<count]
            } else if count == 0 {
                return all
            } else if errno != EINTR {
                throw SystemError("read \(path)")
            }
        }
    }

    /// Whether the path is another file by now, or this one was emptied.
    private func hasBeenRotated() -> Bool {
        var (here, there) = (stat(), stat())
        guard fstat(descriptor, &here) == 0, stat(path, &there) == 0 else { return false }
        if here.st_ino != there.st_ino || here.st_dev != there.st_dev { return true }
        return lseek(descriptor, 0, Int32(SEEK_CUR)) > here.st_size
    }

    private func shows(_ line: String) -> Bool {
        guard let level else { return true }
        if let own = Self.level(of: line) { isShown = own >= level }
        return isShown
    }

    /// The level of a line, of either format; nil for what the system itself has written there.
    static func level(of line: String) -> LogLevel? {
        if line.hasPrefix("{") {
            return (try? Value(json: line))?["level"]?.string.flatMap(LogLevel.init(rawValue:))
        }
        let words = line.split(separator: " ", maxSplits: 2)
        return words.count > 1 ? LogLevel(rawValue: String(words[1])) : nil
    }
}
