/// What XMLAdapter escapes.
enum XMLEscape {
    /// Text of an element: only `&` and `<`.
    static func text(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: "<") })
        else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): result += "&amp;".utf8
            case UInt8(ascii: "<"): result += "&lt;".utf8
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Python's `xml.sax.saxutils.quoteattr`.
    static func attribute(_ text: String) -> String {
        let hasDouble = text.utf8.contains(UInt8(ascii: "\""))
        let usesSingle = hasDouble && !text.utf8.contains(UInt8(ascii: "'"))
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): result += "&amp;".utf8
            case UInt8(ascii: "<"): result += "&lt;".utf8
            case UInt8(ascii: ">"): result += "&gt;".utf8
            case 0x0A: result += "&#10;".utf8
            case 0x0D: result += "&#13;".utf8
            case 0x09: result += "&#9;".utf8
            case UInt8(ascii: "\"") where !usesSingle: result += "&quot;".utf8
            default: result.append(byte)
            }
        }
        let quote = usesSingle ? "'" : "\""
        return quote + String(decoding: result, as: UTF8.self) + quote
    }
}
