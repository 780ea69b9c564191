import Glibc

/// What in a value a model or a parser could take for structure.
enum Ambiguity {
    /// Whether a value holds a header of a section, or in XML a tag.
    static func isFound(in text: String, for kind: AdapterKind) -> Bool {
        text.withUTF8Bytes { bytes in
            switch kind {
            case .chat, .json: holdsHeader(bytes)
            case .xml: holdsTag(bytes)
            }
        }
    }

    /// `[[ ## ` and ` ## ]]` behind it in one line.
    private static func holdsHeader(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var isOpen = false
        var place = 0
        while place < bytes.count {
            switch bytes[place] {
            case 0x0A, 0x0D: isOpen = false
            case UInt8(ascii: "["):
                if matches(opening, bytes, at: place) {
                    isOpen = true
                    place += opening.count - 1
                }
            case UInt8(ascii: " "): if isOpen, matches(closing, bytes, at: place) { return true }
            default: break
            }
            place += 1
        }
        return false
    }

    private static let opening = Array("[[ ## ".utf8)
    private static let closing = Array(" ## ]]".utf8)

    private static func matches(
        _ pattern: [UInt8],
        _ bytes: UnsafeBufferPointer<UInt8>,
        at place: Int
    ) -> Bool {
        guard bytes.count - place >= pattern.count, let base = bytes.baseAddress else {
            return false
        }
        return memcmp(base + place, pattern, pattern.count) == 0
    }

    private static func holdsTag(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for place in bytes.indices.dropLast() where bytes[place] == UInt8(ascii: "<") {
            switch bytes[place + 1] {
            case UInt8(ascii: "/"), UInt8(ascii: "!"), UInt8(ascii: "?"), UInt8(ascii: "_"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                0x80...0xFF:
                return true
            default: continue
            }
        }
        return false
    }

    /// The first place of a pattern from a place on.
    static func find(_ pattern: [UInt8], in bytes: UnsafeBufferPointer<UInt8>, from start: Int)
        -> Int?
    {
        guard let base = bytes.baseAddress, let first = pattern.first else { return nil }
        var place = start
        while bytes.count - place >= pattern.count {
            guard let found = memchr(base + place, Int32(first), bytes.count - place) else {
                return nil
            }
            place = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            guard bytes.count - place >= pattern.count else { return nil }
            if memcmp(base + place, pattern, pattern.count) == 0 { return place }
            place += 1
        }
        return nil
    }
}
