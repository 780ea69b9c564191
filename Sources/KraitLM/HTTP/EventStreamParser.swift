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
    mutating func took(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            defer { endedWithReturn = byte == 13 }
            if byte == 10, endedWithReturn { continue }
            guard byte == 10 || byte == 13 else {
                guard line.count + data.count < limit else { throw TooLong() }
                line.append(byte)
                continue
            }
            endLine(&events)
        }
        return events
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
