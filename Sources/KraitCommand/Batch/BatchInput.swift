import Glibc
import KraitControl
import KraitWire

/// The rows of a batch: the lines of a file, each a JSON value; blank ones are none.
struct BatchInput: Sendable {
    let path: String
    var lineBytes = LineServerLimits().lineBytes

    /// A row: its line's number from 1, and its value or what is wrong with it.
    struct Row: Sendable {
        let number: Int
        let value: Result<Value, CallError>
    }

    /// What tells whether a file is the one that a batch began with.
    struct Fingerprint: Sendable, Equatable {
        var rows = 0
        var bytes = 0
        /// FNV-1a over all of it.
        fileprivate(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

        fileprivate mutating func add(_ part: [UInt8]) {
            bytes += part.count
            for byte in part { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
    }

    /// Reads the file once.
    func fingerprint() throws(SystemError) -> Fingerprint {
        var lines = try Lines(self)
        while let line = try lines.next() {
            if case .whole(let bytes) = line, Self.isBlank(bytes) { continue }
            lines.seen.rows += 1
        }
        return lines.seen
    }

    /// The file's rows, read as they are asked for.
    func rows() throws(SystemError) -> Rows { Rows(lines: try Lines(self), limit: lineBytes) }

    struct Rows: ~Copyable {
        fileprivate var lines: Lines
        fileprivate let limit: Int
        private var number = 0

        fileprivate init(lines: consuming Lines, limit: Int) {
            self.lines = lines
            self.limit = limit
        }

        /// The next row; nil at the end.
        mutating func next() throws(SystemError) -> Row? {
            while let line = try lines.next() {
                number += 1
                switch line {
                case .whole(let bytes) where BatchInput.isBlank(bytes): continue
                case .whole(let bytes):
                    return Row(number: number, value: BatchInput.value(of: bytes))
                case .tooLong:
                    let message = "The line has more than \(limit) bytes."
                    let error = CallError(.invalidInput, message)
                    return Row(number: number, value: .failure(error))
                }
            }
            return nil
        }
    }

    private static func isBlank(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }

    private static func value(of line: [UInt8]) -> Result<Value, CallError> {
        do throws(WireError) {
            return .success(try readJSON(line))
        } catch {
            return .failure(CallError(.invalidInput, "The line is not JSON: \(error)."))
        }
    }

    /// A file's lines; the last one may do without its line break.
    fileprivate struct Lines: ~Copyable {
        private let file: Descriptor
        private var buffer: LineBuffer
        private var isAtEnd = false
        var seen = Fingerprint()

        init(_ input: BatchInput) throws(SystemError) {
            file = try Descriptor.open(input.path, O_RDONLY)
            buffer = LineBuffer(limit: input.lineBytes)
        }

        mutating func next() throws(SystemError) -> LineBuffer.Line? {
            while true {
                if let line = buffer.next() { return line }
                if isAtEnd { return nil }
                let part = try file.read(upTo: 256 << 10)
                seen.add(part)
                isAtEnd = part.isEmpty
                // What stands behind the last line break is a line; nothing there is a blank one.
                buffer.append(isAtEnd ? [UInt8(ascii: "\n")] : part)
            }
        }
    }
}
