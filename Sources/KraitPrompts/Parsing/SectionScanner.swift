/// Walks through the sections of a completion, in one pass over its bytes.
struct SectionScanner {
    /// A section under a header.
    struct Section {
        /// The name in the header.
        var name: Range<Int>
        /// What stands on the header's own line, stripped.
        var head: Range<Int>
        /// The lines below it.
        var body: Range<Int>
        /// Whether all of these end with `\n` alone.
        var isPlain: Bool
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0
    private var current: Section?

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// The next section; nil at the end.
    mutating func next() -> Section? {
        while place < bytes.count {
            let start = place
            var end = start
            var width = 0
            while end < bytes.count {
                width = PythonSpace.lineEndWidth(bytes, at: end)
                if width > 0 { break }
                end += 1
            }
            place = end + width
            let isPlainEnd = width == 0 || bytes[end] == 0x0A
            guard let header = header(start..<end) else {
                if let bodyStart = current?.body.lowerBound {
                    current?.body = bodyStart..<end
                    if !isPlainEnd { current?.isPlain = false }
                }
                continue
            }
            let finished = current
            current = Section(
                name: header.name,
                head: header.rest,
                body: place..<place,
                isPlain: true
            )
            if let finished { return finished }
        }
        defer { current = nil }
        return current
    }

    /// The header that a line begins with, and the rest of the line.
    ///
    /// As in DSPy the header's length counts from the line's start even where white space stands
    /// before it, so that an indented header leaves its last characters to the value.
    @inline(__always)
    private func header(_ line: Range<Int>) -> (name: Range<Int>, rest: Range<Int>)? {
        let start = PythonSpace.stripStart(bytes, line)
        guard line.upperBound - start >= 13, bytes[start] == UInt8(ascii: "["),
            bytes[start + 1] == UInt8(ascii: "[")
        else { return nil }
        return fullHeader(line, from: start)
    }

    private func fullHeader(_ line: Range<Int>, from start: Int)
        -> (name: Range<Int>, rest: Range<Int>)?
    {
        guard Self.opening.indices.allSatisfy({ bytes[start + $0] == Self.opening[$0] }) else {
            return nil
        }
        let nameStart = start + Self.opening.count
        var end = nameStart
        while end < line.upperBound {
            let width = Self.wordWidth(bytes, at: end)
            if width == 0 { break }
            end += width
        }
        guard end > nameStart, line.upperBound - end >= Self.closing.count,
            Self.closing.indices.allSatisfy({ bytes[end + $0] == Self.closing[$0] })
        else { return nil }
        var rest = end + Self.closing.count
        if start > line.lowerBound {
            // As many characters as the header has, from the line's own start.
            var count = bytes[start..<rest].reduce(into: 0) { $0 += $1 & 0xC0 != 0x80 ? 1 : 0 }
            rest = line.lowerBound
            while count > 0, rest < line.upperBound {
                rest += 1
                while rest < line.upperBound, bytes[rest] & 0xC0 == 0x80 { rest += 1 }
                count -= 1
            }
        }
        return (nameStart..<end, PythonSpace.strip(bytes, rest..<line.upperBound))
    }

    private static let opening = Array("[[ ## ".utf8)
    private static let closing = Array(" ## ]]".utf8)

    /// The length of a character that Python's `\w` takes, 0 for any other.
    private static func wordWidth(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Int {
        switch bytes[place] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            return 1
        case 0x80...0xFF:
            var width = 1
            while place + width < bytes.count, bytes[place + width] & 0xC0 == 0x80 { width += 1 }
            let text = String(
                decoding: UnsafeBufferPointer(rebasing: bytes[place..<place + width]),
                as: UTF8.self
            )
            return text.unicodeScalars.first.map(isWord) ?? false ? width : 0
        default: return 0
        }
    }

    /// Python's `isalnum` of a character beyond ASCII.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber:
            true
        default: scalar.properties.numericType != nil
        }
    }
}

extension SectionScanner.Section {
    /// What the section holds: its lines joined by `\n`, stripped.
    func text(in bytes: UnsafeBufferPointer<UInt8>) -> String {
        if isPlain, head.isEmpty {
            let range = PythonSpace.strip(bytes, body)
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
        var joined = Array(bytes[head])
        if !head.isEmpty, !body.isEmpty { joined.append(0x0A) }
        var place = body.lowerBound
        while place < body.upperBound {
            let width = PythonSpace.lineEndWidth(bytes, at: place)
            joined.append(width > 0 ? 0x0A : bytes[place])
            place += max(width, 1)
        }
        return joined.withUnsafeBufferPointer { joined in
            let range = PythonSpace.strip(joined, 0..<joined.count)
            return String(decoding: UnsafeBufferPointer(rebasing: joined[range]), as: UTF8.self)
        }
    }
}
