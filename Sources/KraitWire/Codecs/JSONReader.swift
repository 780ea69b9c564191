/// Reads one value of JSON (RFC 8259, strictly: no comments, no NaN, no lone surrogates).
struct JSONReader {
    /// How much room a list or map begins with: growing from one element on costs three allocations
    /// more.
    private static let firstRoom = 6

    private let start: UnsafeRawPointer
    private var cursor: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private var attachments: AttachmentReader
    /// Whether a lone key with `$` in front is a key as any other.
    private let isPlain: Bool

    /// Reads the one value that `bytes` holds, with what came beside them.
    static func read(
        _ bytes: UnsafeRawBufferPointer,
        _ attachments: [any SharedBytes],
        isPlain: Bool = false
    ) throws(CodingFailure) -> Value {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { throw .truncated }
        var reader = JSONReader(
            start: start,
            cursor: start,
            end: start + bytes.count,
            attachments: AttachmentReader(attachments),
            isPlain: isPlain
        )
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.cursor == reader.end else { throw .trailing(reader.end - reader.cursor) }
        try reader.attachments.finish()
        return value
    }

    private mutating func value(depth: Int) throws(CodingFailure) -> Value {
        skipSpace()
        switch next {
        case JSONText.quote:
            return .string(try text().text)
        case UInt8(ascii: "{"):
            return try map(depth: depth + 1)
        case UInt8(ascii: "["):
            return .list(try list(depth: depth + 1))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try number()
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default:
            throw unexpected("a value")
        }
    }

    private mutating func list(depth: Int) throws(CodingFailure) -> [Value] {
        guard depth <= Limits.nesting else { throw .tooDeep }
        cursor += 1
        skipSpace()
        var elements: [Value] = []
        if take(UInt8(ascii: "]")) { return elements }
        elements.reserveCapacity(Self.firstRoom)
        while true {
            do { elements.append(try value(depth: depth)) } catch {
                throw error.inside(.index(elements.count))
            }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw unexpected("',' or ']'") }
            return elements
        }
    }

    private mutating func map(depth: Int) throws(CodingFailure) -> Value {
        // A tag is no map, so it may be one level further down.
        guard depth <= Limits.nesting + 1 else { throw .tooDeep }
        cursor += 1
        skipSpace()
        var entries: [ValueMap.Entry] = []
        var seen = SeenKeys()
        if !take(UInt8(ascii: "}")) {
            entries.reserveCapacity(Self.firstRoom)
            repeat {
                skipSpace()
                guard next == JSONText.quote else { throw unexpected("a key in quotes") }
                let (key, mark) = try text()
                guard seen.insert(key, mark: mark, into: entries) else { throw .duplicate(key) }
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw unexpected("':'") }
                do { entries.append((key, try value(depth: depth))) } catch {
                    throw error.inside(.key(key))
                }
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw unexpected("',' or '}'") }
        }
        if entries.count == 1, !isPlain, entries[0].key.utf8.first == UInt8(ascii: "$") {
            if let value = try tagged(entries[0]) { return value }
            entries[0].key.removeFirst()
        }
        guard depth <= Limits.nesting else { throw .tooDeep }
        return .map(ValueMap(uniqueEntries: entries))
    }

    /// What a lone key with `$` in front stands for; nil where it is an escaped key.
    private mutating func tagged(_ entry: ValueMap.Entry) throws(CodingFailure) -> Value? {
        if entry.key.utf8.dropFirst().first == UInt8(ascii: "$") { return nil }
        switch (entry.key, entry.value) {
        case (JSONTag.float, .string("nan")): return .double(.nan)
        case (JSONTag.float, .string("inf")): return .double(.infinity)
        case (JSONTag.float, .string("-inf")): return .double(-.infinity)
        case (JSONTag.bytes, .string(let text)):
            if let bytes = Base64.read(text) { return .bytes(bytes) }
        case (JSONTag.time, .string(let text)):
            if let time = Timestamp(text: text) { return .timestamp(time) }
        case (JSONTag.attachment, .string(let text)):
            if let value = try attachment(text) { return value }
        case (JSONTag.float, _), (JSONTag.bytes, _), (JSONTag.time, _), (JSONTag.attachment, _):
            break
        default:
            throw CodingFailure("a tag that has no meaning; a map's own key is written with '$$'")
                .inside(.key(entry.key))
        }
        throw CodingFailure("not what its tag says").inside(.key(entry.key))
    }

    /// The value of a leaf such as `bytes:0`; nil where it is none.
    private mutating func attachment(_ text: String) throws(CodingFailure) -> Value? {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, let index = UInt16(Substring(parts[1])),
            String(index).utf8.elementsEqual(parts[1])
        else { return nil }
        let form = Attachment.Form.allCases.first { $0.name.utf8.elementsEqual(parts[0]) }
        do { return try attachments.take(form, index: Int(index)) } catch {
            throw error.inside(.key(JSONTag.attachment))
        }
    }

    // MARK: Texts

    private mutating func text() throws(CodingFailure) -> (text: String, mark: UInt64) {
        cursor += 1
        let first = cursor
        cursor += JSONText.plainPrefix(cursor, count: end - cursor)
        guard next != JSONText.quote else {
            let bytes = UnsafeRawBufferPointer(start: first, count: cursor - first)
            cursor += 1
            return (try validated(bytes), SeenKeys.mark(of: bytes))
        }
        var bytes = Array(UnsafeRawBufferPointer(start: first, count: cursor - first))
        while !take(JSONText.quote) {
            guard take(JSONText.backslash) else {
                if cursor == end { throw .truncated }
                throw unexpected("a control character's escape")
            }
            try escape(into: &bytes)
            let plain = JSONText.plainPrefix(cursor, count: end - cursor)
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: cursor, count: plain))
            cursor += plain
        }
        return try bytes.withUnsafeBufferPointer { bytes throws(CodingFailure) in
            let bytes = UnsafeRawBufferPointer(bytes)
            return (try validated(bytes), SeenKeys.mark(of: bytes))
        }
    }

    @inline(__always)
    private func validated(_ bytes: UnsafeRawBufferPointer) throws(CodingFailure) -> String {
        guard let text = ExactText.text(of: bytes) else { throw .notUnicode }
        return text
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(CodingFailure) {
        let letter = next
        switch letter {
        case JSONText.quote, JSONText.backslash, UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "u"):
            cursor += 1
            return bytes.append(contentsOf: String(try scalar()).utf8)
        default: throw unexpected("one of the escapes of JSON")
        }
        cursor += 1
    }

    /// The scalar of `\u` and four digits, or of the two such that make a surrogate pair.
    private mutating func scalar() throws(CodingFailure) -> Unicode.Scalar {
        let unit = try codeUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, take(JSONText.backslash), take(UInt8(ascii: "u")) else {
            throw CodingFailure("a lone surrogate")
        }
        let low = try codeUnit()
        guard
            0xDC00...0xDFFF ~= low,
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw CodingFailure("a lone surrogate") }
        return scalar
    }

    private mutating func codeUnit() throws(CodingFailure) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(next)).hexDigitValue else {
                throw unexpected("a hexadecimal digit")
            }
            unit = unit << 4 | UInt32(digit)
            cursor += 1
        }
        return unit
    }

    // MARK: Numbers

    private mutating func number() throws(CodingFailure) -> Value {
        let first = cursor
        let isNegative = take(UInt8(ascii: "-"))
        var digits = Digits()
        let startsWithZero = next == UInt8(ascii: "0")
        let count = scan(&digits)
        guard count > 0 else { throw unexpected("a digit") }
        guard count == 1 || !startsWithZero else {
            throw CodingFailure("a number with a zero before it at byte \(first - start)")
        }
        var isWhole = true
        var exponent = 0
        if take(UInt8(ascii: ".")) {
            isWhole = false
            exponent = -scan(&digits)
            guard exponent < 0 else { throw unexpected("a digit") }
        }
        if next | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            cursor += 1
            let isBelowOne = take(UInt8(ascii: "-"))
            if !isBelowOne { _ = take(UInt8(ascii: "+")) }
            var power = Digits()
            guard scan(&power) > 0 else { throw unexpected("a digit") }
            let size = Int(power.hasOverflowed ? 9_999 : min(power.number, 9_999))
            exponent += isBelowOne ? -size : size
        }
        if isWhole { return try integer(digits, isNegative: isNegative) }
        if !digits.hasOverflowed,
            let number = JSONNumber.double(digits: digits.number, exponent: exponent)
        {
            return .double(isNegative ? -number : number)
        }
        let text = UnsafeRawBufferPointer(start: first, count: cursor - first)
        guard let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite else {
            throw CodingFailure("a number beyond what a float holds")
        }
        return .double(number)
    }

    private func integer(_ digits: Digits, isNegative: Bool) throws(CodingFailure) -> Value {
        if !digits.hasOverflowed {
            if !isNegative { return Value(digits.number) }
            if digits.number <= Int64.min.magnitude {
                return .int(Int64(truncatingIfNeeded: 0 &- digits.number))
            }
        }
        throw CodingFailure("an integer of more than 64 bits")
    }

    private struct Digits {
        var number: UInt64 = 0
        var hasOverflowed = false
    }

    /// Reads the digits that follow; says how many they were.
    @inline(__always)
    private mutating func scan(_ digits: inout Digits) -> Int {
        let first = cursor
        while cursor < end {
            let digit = cursor.load(as: UInt8.self) &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            let (tens, overflowed) = digits.number.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(UInt64(digit))
            digits.number = sum
            digits.hasOverflowed = digits.hasOverflowed || overflowed || carried
            cursor += 1
        }
        return cursor - first
    }

    // MARK: Bytes

    /// The next byte; 0 at the end, which begins nothing.
    @inline(__always)
    private var next: UInt8 { cursor < end ? cursor.load(as: UInt8.self) : 0 }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        cursor += 1
        return true
    }

    @inline(__always)
    private mutating func skipSpace() {
        while next <= 0x20 {
            switch next {
            case 0x20, 0x0A, 0x0D, 0x09: cursor += 1
            default: return
            }
        }
    }

    private mutating func word(_ word: StaticString) throws(CodingFailure) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[offset]) else { throw unexpected("'\(word)'") }
        }
    }

    private func unexpected(_ wanted: String) -> CodingFailure {
        if cursor == end { return .truncated }
        return CodingFailure("expected \(wanted) at byte \(cursor - start)")
    }
}
