import Glibc

/// Takes the events out of a `text/event-stream`, however its bytes are cut.
///
/// As the HTML standard has it, for what APIs send: `data` lines are joined by a newline, an empty
/// line ends the event, comments and other fields are passed over. Lines end with LF, CR or CRLF.
struct EventStreamParser: Sendable, Equatable {
    /// An event grew beyond its bound.
    struct TooLong: Error, Equatable {}

    private let limit: Int
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var endedWithReturn = false
    private var isFirstLine = true

    init(limit: Int = LMLimits.eventBytes) { self.limit = limit }

    /// The data of the events that these bytes complete, in order.
    mutating func took(_ bytes: some Collection<UInt8>) throws(TooLong) -> [[UInt8]] {
        let bytes = Array(bytes)
        var events: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            // The second half of a CRLF.
            if endedWithReturn, bytes[start] == 10 { start += 1 }
            endedWithReturn = false
            let end = Self.lineEnd(in: bytes, from: start)
            let more = (end ?? bytes.count) - start
            guard line.count + data.count + more <= limit else { throw TooLong() }
            line += bytes[start..<start + more]
            guard let end else { break }
            endLine(&events)
            endedWithReturn = bytes[end] == 13
            start = end + 1
        }
        return events
    }

    /// Where the next LF or CR is.
    private static func lineEnd(in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            func find(_ byte: Int32, before end: Int) -> Int? {
                guard start < end, let base = bytes.baseAddress,
                    let found = memchr(base + start, byte, end - start)
                else { return nil }
                return UnsafeRawPointer(found) - base
            }
            let feed = find(10, before: bytes.count)
            return find(13, before: feed ?? bytes.count) ?? feed
        }
    }

    private mutating func endLine(_ events: inout [[UInt8]]) {
        if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        isFirstLine = false
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else {
            if hasData { events.append(data) }
            data = []
            hasData = false
            return
        }
        let name: [UInt8] = Array("data".utf8)
        guard line.starts(with: name) else { return }
        var rest = line[name.count...]
        if let colon = rest.first {
            guard colon == UInt8(ascii: ":") else { return }
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
        }
        if hasData { data.append(10) }
        data += rest
        hasData = true
    }
}
