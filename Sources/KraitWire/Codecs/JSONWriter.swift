/// Writes values as JSON, straight into a sink.
struct JSONWriter {
    /// Whether lists and maps are laid out over lines, for people.
    private let isPretty: Bool
    /// Whether others are to read it, who know no tags.
    private let isPlain: Bool

    static func write(
        _ value: Value,
        into sink: inout ByteSink,
        isPretty: Bool = false,
        isPlain: Bool = false
    ) throws(EncodingStop) {
        try JSONWriter(isPretty: isPretty, isPlain: isPlain).write(value, into: &sink, depth: 0)
    }

    init(isPretty: Bool = false, isPlain: Bool = false) {
        self.isPretty = isPretty
        self.isPlain = isPlain
    }

    func write(_ value: Value, into sink: inout ByteSink, depth: Int) throws(EncodingStop) {
        switch value {
        case .null: try sink.add("null")
        case .bool(true): try sink.add("true")
        case .bool(false): try sink.add("false")
        case .int(let integer): try JSONNumber.write(integer, into: &sink)
        case .unsigned(let integer): try JSONNumber.write(integer, into: &sink)
        case .double(let number) where number.isFinite || !isPlain:
            try JSONNumber.write(number, into: &sink)
        case .string(let text): try write(text, into: &sink)
        case .list(let elements): try write(elements, into: &sink, depth: depth + 1)
        case .map(let map): try write(map, into: &sink, depth: depth + 1)
        case .double where isPlain, .table where isPlain, .tensor where isPlain,
            .bytes where isPlain, .timestamp where isPlain:
            throw .failed(CodingFailure("plain JSON has no form for \(value.kindName)"))
        case .double(let number): try JSONNumber.write(number, into: &sink)
        case .table(let table): try attach(Attachment(table), into: &sink)
        case .tensor(let tensor): try attach(Attachment(tensor), into: &sink)
        case .bytes(let bytes) where sink.isBeside(byteCount: bytes.count):
            try attach(Attachment(.bytes, ArrayBytes(bytes)), into: &sink)
        case .bytes(let bytes):
            try tagged("{\"$bytes\":\"", &sink) { sink throws(EncodingStop) in
                try Base64.write(bytes, into: &sink)
            }
        case .timestamp(let time):
            guard time.isInCalendar else { throw .failed(.timeOutOfRange) }
            try tagged("{\"$time\":\"", &sink) { sink throws(EncodingStop) in
                try time.write(into: &sink)
            }
        }
    }

    /// Puts a value beside the body, and its leaf into it.
    func attach(_ attachment: Attachment, into sink: inout ByteSink) throws(EncodingStop) {
        let index = try sink.attach(attachment)
        try tagged("{\"$attachment\":\"", &sink) { sink throws(EncodingStop) in
            let leaf = "\(attachment.form.name):\(index)"
            guard sink.room >= leaf.utf8.count else { throw .full }
            leaf.withBytes { bytes in
                if let start = bytes.baseAddress { sink.put(start, count: bytes.count) }
            }
        }
    }

    /// Writes a text in quotes.
    func write(_ text: String, into sink: inout ByteSink) throws(EncodingStop) {
        guard sink.room >= text.utf8.count + 2 else { throw .full }
        sink.put(JSONText.quote)
        guard text.withBytes({ sink.putEscaped($0) }) else { throw .full }
        sink.put(JSONText.quote)
    }

    func write(_ map: ValueMap, into sink: inout ByteSink, depth: Int) throws(EncodingStop) {
        guard depth <= Limits.nesting else { throw .failed(.tooDeep) }
        try sink.add("{")
        // A lone key with `$` in front would read as a tag: one more `$` says that it is none.
        let isEscaped =
            map.count == 1 && !isPlain && map.entries[0].key.utf8.first == UInt8(ascii: "$")
        // Through a pointer: iterating the array would retain and release each key and value.
        try map.entries.withUnsafeBufferPointer { entries throws(EncodingStop) in
            for index in entries.indices {
                if index > 0 { try sink.add(",") }
                if isPretty { try newLine(&sink, depth) }
                try write(isEscaped ? "$\(entries[index].key)" : entries[index].key, into: &sink)
                if isPretty { try sink.add(": ") } else { try sink.add(":") }
                do throws(EncodingStop) {
                    try write(entries[index].value, into: &sink, depth: depth)
                } catch {
                    throw error.inside(.key(entries[index].key))
                }
            }
        }
        if isPretty && !map.isEmpty { try newLine(&sink, depth - 1) }
        try sink.add("}")
    }

    private func write(
        _ elements: [Value],
        into sink: inout ByteSink,
        depth: Int
    ) throws(EncodingStop) {
        guard depth <= Limits.nesting else { throw .failed(.tooDeep) }
        try sink.add("[")
        try elements.withUnsafeBufferPointer { elements throws(EncodingStop) in
            for index in elements.indices {
                if index > 0 { try sink.add(",") }
                if isPretty { try newLine(&sink, depth) }
                do throws(EncodingStop) {
                    try write(elements[index], into: &sink, depth: depth)
                } catch {
                    throw error.inside(.index(index))
                }
            }
        }
        if isPretty && !elements.isEmpty { try newLine(&sink, depth - 1) }
        try sink.add("]")
    }

    private func tagged(
        _ opening: StaticString,
        _ sink: inout ByteSink,
        _ content: (inout ByteSink) throws(EncodingStop) -> Void
    ) throws(EncodingStop) {
        try sink.add(opening)
        try content(&sink)
        try sink.add("\"}")
    }

    private func newLine(_ sink: inout ByteSink, _ depth: Int) throws(EncodingStop) {
        try sink.add("\n")
        for _ in 0..<depth { try sink.add("  ") }
    }
}

extension ByteSink {
    @inline(__always)
    mutating func add(_ text: StaticString) throws(EncodingStop) {
        guard room >= text.utf8CodeUnitCount else { throw .full }
        put(text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Adds a string's bytes with what must be escaped escaped; false if there is no room.
    ///
    /// There must be room for the bytes as they are, and for the quote behind them.
    @inline(__always)
    fileprivate mutating func putEscaped(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        let plain = JSONText.plainPrefix(start, count: bytes.count)
        put(start, count: plain)
        if plain == bytes.count { return true }
        return putSpecials(start + plain, count: bytes.count - plain)
    }

    private mutating func putSpecials(_ start: UnsafeRawPointer, count: Int) -> Bool {
        let hex: StaticString = "0123456789abcdef"
        let unicode: StaticString = "u00"
        var offset = 0
        while offset < count {
            let byte = start.load(fromByteOffset: offset, as: UInt8.self)
            offset += 1
            guard room >= 6 + (count - offset) + 1 else { return false }
            put(JSONText.backslash)
            if let letter = JSONText.shortEscape(byte) {
                put(letter)
            } else {
                put(unicode.utf8Start, count: 3)
                put(hex.utf8Start[Int(byte >> 4)])
                put(hex.utf8Start[Int(byte & 0x0F)])
            }
            let plain = JSONText.plainPrefix(start + offset, count: count - offset)
            put(start + offset, count: plain)
            offset += plain
        }
        return true
    }
}

/// How many bytes a value takes as JSON at most: what a sink needs to hold it.
enum JSONSize {
    static func bound(_ value: Value, isPretty: Bool = false, depth: Int = 0) -> Int {
        // What stands around an element: a comma, and when pretty the line and a space.
        let each = isPretty ? 3 + 2 * (depth + 1) : 1
        switch value {
        case .null, .bool: return 5
        case .int, .unsigned: return 20
        case .double: return JSONNumber.longestDouble
        case .timestamp, .table, .tensor: return 45
        case .string(let text): return bound(text)
        case .bytes(let bytes): return 16 + (bytes.count + 2) / 3 * 4
        case .list(let elements):
            return elements.reduce(2 + each) {
                $0 + each + bound($1, isPretty: isPretty, depth: depth + 1)
            }
        case .map(let map):
            return map.entries.reduce(3 + each) {
                $0 + each + 1 + bound($1.key)
                    + bound($1.value, isPretty: isPretty, depth: depth + 1)
            }
        }
    }

    static func bound(_ text: String) -> Int {
        text.withBytes { bytes in
            var bound = 8 + bytes.count
            guard let start = bytes.baseAddress else { return bound }
            var offset = JSONText.plainPrefix(start, count: bytes.count)
            while offset < bytes.count {
                bound += 5
                offset += 1
                offset += JSONText.plainPrefix(start + offset, count: bytes.count - offset)
            }
            return bound
        }
    }
}
