/// What JSON's strings need to have escaped, eight bytes at a time.
enum JSONText {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// A word whose lowest set bit is that of the first byte which may not stand as it is in a
    /// string (a control character, a quote or a backslash); 0 if there is none.
    ///
    /// Bits above the lowest one can be wrong: a borrow runs upwards.
    @inline(__always)
    static func specials(in word: UInt64) -> UInt64 {
        let quotes = word ^ (ones &* UInt64(quote))
        let backslashes = word ^ (ones &* UInt64(backslash))
        let controls = (word &- ones &* 0x20) & ~word
        let isQuote = (quotes &- ones) & ~quotes
        let isBackslash = (backslashes &- ones) & ~backslashes
        return (controls | isQuote | isBackslash) & highs
    }

    /// How many of the bytes from `start` on stand as they are in a string.
    @inline(__always)
    static func plainPrefix(_ start: UnsafeRawPointer, count: Int) -> Int {
        var offset = 0
        while offset &+ 8 <= count {
            let word = UInt64(
                littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
            let found = specials(in: word)
            if found != 0 { return offset &+ found.trailingZeroBitCount &>> 3 }
            offset &+= 8
        }
        while offset < count {
            if isSpecial(start.load(fromByteOffset: offset, as: UInt8.self)) { break }
            offset &+= 1
        }
        return offset
    }

    @inline(__always)
    static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == quote || byte == backslash
    }

    /// The letter of a control character's short escape, if it has one.
    static func shortEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case quote, backslash: byte
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }
}

/// The keys of the maps that stand for what JSON has no form for.
enum JSONTag {
    static let float = "$float"
    static let bytes = "$bytes"
    static let time = "$time"
    static let attachment = "$attachment"
}
