/// Bytes from one client, cut into lines.
///
/// Pure; holds at most one line and what was read with it.
///
/// A line longer than the limit is not kept: it is told once, and its bytes up to its end are
/// dropped, so that the client's next line is read again.
package struct LineBuffer: Equatable {
    package let limit: Int
    private var bytes: [UInt8] = []
    /// Where the first line that is not taken yet begins.
    private var start = 0
    /// Up to where no line break was found.
    private var searched = 0
    private var isDropping = false

    package enum Line: Equatable {
        case whole([UInt8])
        /// Longer than the limit.
        case tooLong
    }

    package init(limit: Int) { self.limit = limit }

    /// Whether a call of `next()` could give a line.
    package var isEmpty: Bool { searched == bytes.count }

    package mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            start = 0
        }
        bytes += more
    }

    /// The next line, without its line break; nil until more has come.
    package mutating func next() -> Line? {
        while true {
            let found = bytes[searched...].firstIndex(of: UInt8(ascii: "\n"))
            guard let end = found else {
                searched = bytes.count
                if isDropping {
                    discard(upTo: bytes.count)
                } else if bytes.count - start > limit {
                    isDropping = true
                    discard(upTo: bytes.count)
                    return .tooLong
                }
                return nil
            }
            let line = bytes[start..<end]
            let wasDropping = isDropping
            isDropping = false
            defer { discard(upTo: end + 1) }
            if wasDropping { continue }
            return line.count > limit ? .tooLong : .whole(Array(line))
        }
    }

    private mutating func discard(upTo index: Int) {
        start = index
        searched = index
        guard start == bytes.count else { return }
        bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10)
        start = 0
        searched = 0
    }
}
