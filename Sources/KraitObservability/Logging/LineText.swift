/// Text made fit for one line of a log, and bounded.
///
/// What Krait logs may come from Python or from a user, and must neither begin a line of its own,
/// nor steer the terminal, nor fill the disk.
enum LineText {
    /// How many bytes of one text a line shows; the rest is counted.
    static let maximumBytes = 4_096

    /// The text with everything that is not plain written as an escape.
    static func escaped(_ text: String) -> String {
        if isPlainASCII(text) { return text }
        let (kept, dropped) = bounded(text)
        var line = ""
        for scalar in kept {
            switch scalar {
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where isPlain(scalar): line.unicodeScalars.append(scalar)
            default: line += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return dropped == 0 ? line : "\(line)…(\(dropped) more bytes)"
    }

    /// The text as the value of `key=value`: in quotes where a reader could not tell its end.
    static func value(_ text: String) -> String {
        let line = escaped(text)
        let isBare = line.utf8.allSatisfy { byte in
            byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
        }
        if isBare && !line.isEmpty { return line }
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        return "\"\(parts.joined(separator: "\\\""))\""
    }

    /// The text as a JSON string with its quotes.
    static func json(_ text: String) -> String {
        if isPlainASCII(text) { return "\"\(text)\"" }
        let (kept, dropped) = bounded(text)
        var line = "\""
        for scalar in kept {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where isPlain(scalar): line.unicodeScalars.append(scalar)
            default:
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return dropped == 0 ? "\(line)\"" : "\(line)…(\(dropped) more bytes)\""
    }

    /// Whether the text can stand as it is in any line, which most text can.
    private static func isPlainASCII(_ text: String) -> Bool {
        text.utf8.count <= maximumBytes
            && text.utf8.allSatisfy { byte in
                (0x20..<0x7F).contains(byte)
                    && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
            }
    }

    /// The first bytes of the text as whole scalars, and how many bytes were left off.
    private static func bounded(
        _ text: String
    ) -> (kept: Substring.UnicodeScalarView, dropped: Int) {
        let bytes = text.utf8
        guard bytes.count > maximumBytes else { return (text[...].unicodeScalars, 0) }
        var end = bytes.index(bytes.startIndex, offsetBy: maximumBytes)
        while end.samePosition(in: text.unicodeScalars) == nil { end = bytes.index(before: end) }
        return (text[..<end].unicodeScalars, bytes.distance(from: end, to: bytes.endIndex))
    }

    /// Whether a terminal shows the scalar as itself, in reading order, on the same line.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
        default: true
        }
    }
}
