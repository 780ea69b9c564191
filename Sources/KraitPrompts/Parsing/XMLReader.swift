/// Reads the fragment that a completion is, and stops where expat stops.
///
/// Elements, attributes, text, references, comments and CDATA sections are read; namespaces, names
/// beyond ASCII and processing instructions are left to expat. No recursion: depth is an array's.
struct XMLReader {
    /// Where and why a text is not well-formed, in expat's words.
    struct Failure: Error {
        var reason: Reason
        /// In bytes.
        var offset: Int
    }

    enum Reason: String {
        case invalid = "not well-formed (invalid token)"
        case mismatch = "mismatched tag"
        case entity = "undefined entity"
        case character = "reference to invalid character number"
        case attribute = "duplicate attribute"
        case junk = "junk after document element"
        case token = "unclosed token"
        case cdata = "unclosed CDATA section"
        /// What only expat can judge.
        case delegated = "delegated"
        /// Deeper than the converter goes.
        case depth = "depth"
    }

    static let depthLimit = 200

    let bytes: UnsafeBufferPointer<UInt8>
    var place = 0
    var open: [XMLElement]

    private init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        open = [XMLElement(tag: XMLReader.root)]
    }

    /// The element that DSPy puts around a completion.
    static let root = "dspy_root"

    /// The root with what a completion holds; a failure's offset counts the root's tag too.
    static func read(_ completion: String) throws(Failure) -> XMLElement {
        let text = completion + "</\(root)>"
        do {
            return try text.withUTF8Bytes { bytes throws(Failure) in
                var reader = XMLReader(bytes)
                return try reader.document()
            }
        } catch {
            throw Failure(reason: error.reason, offset: error.offset + root.utf8.count + 2)
        }
    }

    func failure(_ reason: Reason, at offset: Int? = nil) -> Failure {
        Failure(reason: reason, offset: offset ?? place)
    }

    var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    func at(_ offset: Int) -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func document() throws(Failure) -> XMLElement {
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "<"):
                if let root = try markup(&text) { return root }
            case UInt8(ascii: "&"): try reference(into: &text)
            default: try character(into: &text)
            }
        }
        throw failure(.token)
    }

    // MARK: - Text

    /// One character of text; line ends become `\n`.
    mutating func character(into text: inout [UInt8]) throws(Failure) {
        let byte = bytes[place]
        switch byte {
        case 0x0D:
            text.append(0x0A)
            place += at(place + 1) == 0x0A ? 2 : 1
        case 0x09, 0x0A, 0x20..<0x5D, 0x5E...0x7F:
            text.append(byte)
            place += 1
        case UInt8(ascii: "]"):
            if at(place + 1) == byte, at(place + 2) == UInt8(ascii: ">") {
                throw failure(.invalid, at: place + 2)
            }
            text.append(byte)
            place += 1
        case 0x00..<0x20: throw failure(.invalid)
        default: try wideCharacter(into: &text)
        }
    }

    private mutating func wideCharacter(into text: inout [UInt8]) throws(Failure) {
        // U+FFFE and U+FFFF are no characters of XML.
        if bytes[place] == 0xEF, at(place + 1) == 0xBF, let last = at(place + 2), last >= 0xBE {
            throw failure(.invalid)
        }
        repeat {
            text.append(bytes[place])
            place += 1
        } while place < bytes.count && bytes[place] & 0xC0 == 0x80
    }

    /// `&…;`: one of five names, or a character by its number.
    mutating func reference(into text: inout [UInt8]) throws(Failure) {
        let start = place
        place += 1
        guard let first = next else { throw failure(.token, at: start) }
        if first == UInt8(ascii: "#") {
            place += 1
            let isHex = next == UInt8(ascii: "x")
            if isHex { place += 1 }
            let digits = place
            var value: UInt32 = 0
            while let byte = next, let digit = Self.digit(byte, isHex: isHex) {
                value = min(value * (isHex ? 16 : 10) + digit, 0x20_0000)
                place += 1
            }
            guard place > digits, next == UInt8(ascii: ";") else { throw failure(.invalid) }
            place += 1
            guard let scalar = Self.scalar(value) else { throw failure(.character, at: start) }
            text.append(contentsOf: Array(String(scalar).utf8))
            return
        }
        let name = try self.name()
        guard next == UInt8(ascii: ";") else { throw failure(.invalid) }
        place += 1
        switch name {
        case "lt": text.append(UInt8(ascii: "<"))
        case "gt": text.append(UInt8(ascii: ">"))
        case "amp": text.append(UInt8(ascii: "&"))
        case "quot": text.append(UInt8(ascii: "\""))
        case "apos": text.append(UInt8(ascii: "'"))
        default: throw failure(.entity, at: start)
        }
    }

    private static func digit(_ byte: UInt8, isHex: Bool) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "f") where isHex: UInt32(byte - 0x61 + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F") where isHex: UInt32(byte - 0x41 + 10)
        default: nil
        }
    }

    private static func scalar(_ value: UInt32) -> Unicode.Scalar? {
        switch value {
        case 0x09, 0x0A, 0x0D, 0x20..<0xFFFE, 0x10000...0x10FFFF: Unicode.Scalar(value)
        default: nil
        }
    }

    // MARK: - Names

    mutating func name() throws(Failure) -> String {
        let start = place
        while let byte = next {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"):
                place += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                guard place > start else { throw failure(.invalid) }
                place += 1
            // Namespaces.
            case UInt8(ascii: ":"): throw failure(.delegated)
            case 0x80...0xFF:
                let width = letterWidth()
                // Letters by tables of expat's own.
                guard width > 0 else { throw failure(.delegated) }
                place += width
            default:
                guard place > start else { throw failure(.invalid) }
                return slice(start..<place)
            }
        }
        throw failure(.token, at: start)
    }

    /// The length of a letter of those alphabets that are sure to be in expat's tables.
    private func letterWidth() -> Int {
        let first = UInt32(bytes[place])
        guard let second = at(place + 1).map(UInt32.init) else { return 0 }
        if first < 0xE0 {
            switch (first & 0x1F) << 6 | second & 0x3F {
            case 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x131, 0x134...0x13E, 0x141...0x148,
                0x14A...0x17E, 0x38E...0x3A1, 0x3A3...0x3CE, 0x40E...0x44F, 0x451...0x45C:
                return 2
            default: return 0
            }
        }
        guard first < 0xF0, let third = at(place + 2).map(UInt32.init) else { return 0 }
        switch (first & 0x0F) << 12 | (second & 0x3F) << 6 | third & 0x3F {
        case 0x3041...0x3094, 0x30A1...0x30FA, 0x4E00...0x9FA5, 0xAC00...0xD7A3: return 3
        default: return 0
        }
    }

    private func slice(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    mutating func skipSpace() -> Bool {
        let start = place
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            place += 1
        }
        return place > start
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }
}
