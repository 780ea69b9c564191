/// What Python's `str.isspace` takes for white space.
enum TemplateSpace {
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }

    /// How long the white space scalar at an offset is, or nil where there is none.
    static func length(_ bytes: [UInt8], _ index: Int) -> Int? {
        guard index < bytes.count else { return nil }
        let byte = bytes[index]
        if byte < 0x80 {
            return byte == 0x20 || byte &- 0x09 < 5 || byte &- 0x1C < 4 ? 1 : nil
        }
        guard let (scalar, length) = TemplateScanner.scalar(bytes, index) else { return nil }
        return isSpace(scalar) ? length : nil
    }

    /// The end of a range once white space at its end is taken off.
    static func endWithoutSpace(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        var end = range.upperBound
        while end > range.lowerBound {
            var start = end - 1
            while start > range.lowerBound, bytes[start] & 0xC0 == 0x80 { start -= 1 }
            guard let length = length(bytes, start), start + length == end else { break }
            end = start
        }
        return end
    }

    /// Where `str.splitlines` ends a line.
    static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
