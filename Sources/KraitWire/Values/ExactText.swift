import Glibc

/// Text that is equal where its UTF-8 is, as in Python and on the wire.
///
/// Swift's own `==` compares by canonical equivalence: it holds an `é` of one scalar equal to one
/// of two, which are different keys and different values to everybody else.
package struct ExactText: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        isSame(left.text, right.text)
    }

    package func hash(into hasher: inout Hasher) { Self.hash(text, into: &hasher) }

    /// Whether two texts have the same UTF-8.
    ///
    /// Swift's comparison goes first: it is the quicker one, and what it tells apart is different.
    @inline(__always)
    package static func isSame(_ left: String, _ right: String) -> Bool {
        left == right && hasSameBytes(left, right)
    }

    private static func hasSameBytes(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        let compared = left.utf8.withContiguousStorageIfAvailable { left -> Bool? in
            right.utf8.withContiguousStorageIfAvailable { right -> Bool in
                guard let this = left.baseAddress, let that = right.baseAddress else { return true }
                return memcmp(this, that, left.count) == 0
            }
        }
        return (compared ?? nil) ?? left.utf8.elementsEqual(right.utf8)
    }

    /// The text of some UTF-8, or nil where it is not valid.
    ///
    /// `String(validating:)` takes four times as long; for ASCII, `String(decoding:)` repairs
    /// nothing.
    @inline(__always)
    static func text(of bytes: UnsafeRawBufferPointer) -> String? {
        if isASCII(bytes) { return String(decoding: bytes, as: UTF8.self) }
        return bytes.withMemoryRebound(to: UInt8.self) { bytes in
            guard let text = try? UTF8Span(validating: bytes.span) else { return nil }
            return String(copying: text)
        }
    }

    /// Whether some bytes are UTF-8.
    static func isUnicode(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.withMemoryRebound(to: UInt8.self) { (try? UTF8Span(validating: $0.span)) != nil }
    }

    @inline(__always)
    static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        var all: UInt64 = 0
        while offset &+ 8 <= bytes.count {
            all |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        while offset < bytes.count {
            all |= UInt64(bytes[offset])
            offset &+= 1
        }
        return all & 0x8080_8080_8080_8080 == 0
    }

    /// Feeds a text's UTF-8 and its length to a hasher.
    static func hash(_ text: String, into hasher: inout Hasher) {
        hasher.combine(text.utf8.count)
        text.withBytes { hasher.combine(bytes: $0) }
    }
}

extension String {
    /// Runs `body` with the text's UTF-8, without a copy.
    @inline(__always)
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try utf8.span.withUnsafeBufferPointer { bytes throws(Failure) in
            try body(UnsafeRawBufferPointer(bytes))
        }
    }
}
