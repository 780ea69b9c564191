import Glibc

/// Python's `str.strip` and `str.splitlines` on UTF-8.
enum PythonSpace {
    /// The range without white space at both ends.
    @inline(__always)
    static func strip(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Range<Int> {
        let start = stripStart(bytes, range)
        return start..<stripEnd(bytes, start..<range.upperBound)
    }

    /// Where the white space at the start ends.
    static func stripStart(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int {
        var start = range.lowerBound
        while start < range.upperBound {
            let byte = bytes[start]
            if byte < 0x80 {
                guard isSpace(byte) else { return start }
                start += 1
                continue
            }
            let width = spaceWidth(bytes, at: start, end: range.upperBound)
            guard width > 0 else { return start }
            start += width
        }
        return start
    }

    /// Where the white space at the end begins.
    static func stripEnd(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int {
        var end = range.upperBound
        while end > range.lowerBound {
            let byte = bytes[end - 1]
            if byte < 0x80 {
                guard isSpace(byte) else { return end }
                end -= 1
                continue
            }
            var start = end - 1
            while start > range.lowerBound, bytes[start] & 0xC0 == 0x80 { start -= 1 }
            guard spaceWidth(bytes, at: start, end: end) == end - start else { return end }
            end = start
        }
        return end
    }

    /// Python's `isspace` of an ASCII character.
    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte >= 0x09 && byte <= 0x0D || byte >= 0x1C && byte <= 0x1F
    }

    /// The length of a white-space character beyond ASCII, 0 for any other.
    static func spaceWidth(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int, end: Int) -> Int {
        let first = bytes[start]
        if first == 0xC2, start + 1 < end {
            return bytes[start + 1] == 0x85 || bytes[start + 1] == 0xA0 ? 2 : 0
        }
        guard start + 2 < end else { return 0 }
        let (second, third) = (bytes[start + 1], bytes[start + 2])
        let isSpace =
            switch (first, second) {
            case (0xE1, 0x9A): third == 0x80
            case (0xE2, 0x80):
                third >= 0x80 && third <= 0x8A || third == 0xA8 || third == 0xA9 || third == 0xAF
            case (0xE2, 0x81): third == 0x9F
            case (0xE3, 0x80): third == 0x80
            default: false
            }
        return isSpace ? 3 : 0
    }

    /// The length of the line end at a place, as `splitlines` sees it; 0 where there is none.
    @inline(__always)
    static func lineEndWidth(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Int {
        let byte = bytes[place]
        if byte == 0x0A { return 1 }
        if byte >= 0x20, byte < 0x80 { return 0 }
        return rareLineEndWidth(bytes, at: place)
    }

    private static func rareLineEndWidth(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Int
    {
        switch bytes[place] {
        case 0x0D: return place + 1 < bytes.count && bytes[place + 1] == 0x0A ? 2 : 1
        case 0x0B, 0x0C, 0x1C...0x1E: return 1
        case 0xC2: return place + 1 < bytes.count && bytes[place + 1] == 0x85 ? 2 : 0
        case 0xE2:
            guard place + 2 < bytes.count, bytes[place + 1] == 0x80 else { return 0 }
            return bytes[place + 2] == 0xA8 || bytes[place + 2] == 0xA9 ? 3 : 0
        default: return 0
        }
    }
}

extension String {
    /// Runs `body` with the text's UTF-8, without a copy.
    @inline(__always)
    func withUTF8Bytes<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try utf8.span.withUnsafeBufferPointer(body)
    }

    /// Python's `strip()`.
    package var stripped: String {
        withUTF8Bytes { bytes in
            let range = PythonSpace.strip(bytes, 0..<bytes.count)
            if range.count == bytes.count { return self }
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
    }

    /// Python's `splitlines()`.
    package var lines: [String] {
        withUTF8Bytes { bytes in
            var lines: [String] = []
            var start = 0
            var place = 0
            func line(to end: Int) -> String {
                String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
            }
            while place < bytes.count {
                let width = PythonSpace.lineEndWidth(bytes, at: place)
                guard width > 0 else {
                    place += 1
                    continue
                }
                lines.append(line(to: place))
                place += width
                start = place
            }
            if start < bytes.count { lines.append(line(to: bytes.count)) }
            return lines
        }
    }

    /// Whether both are the same bytes; Swift's `==` holds composed and decomposed letters equal.
    @inline(__always)
    func isSame(_ other: String) -> Bool {
        withUTF8Bytes { left in
            other.withUTF8Bytes { right in
                guard left.count == right.count else { return false }
                guard let this = left.baseAddress, let that = right.baseAddress else { return true }
                return this == that || memcmp(this, that, left.count) == 0
            }
        }
    }
}
