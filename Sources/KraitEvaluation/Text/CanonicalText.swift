import Foundation

/// Unicode's normal form D, with Python's tables.
enum CanonicalText {
    /// The decomposition of a text.
    static func decomposed(_ text: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var piece = String.UnicodeScalarView()
        func flush() {
            guard !piece.isEmpty else { return }
            let canonical = String(piece).decomposedStringWithCanonicalMapping
            result.append(contentsOf: canonical.unicodeScalars)
            piece = String.UnicodeScalarView()
        }
        for scalar in text {
            // What Python does not know has no decomposition there, and no order among marks.
            if PythonCharacters.isKnown(scalar) {
                piece.append(scalar)
            } else {
                flush()
                result.append(scalar)
            }
        }
        flush()
        return result
    }

    /// The decomposition in lower case, as Python's `str.lower` makes it.
    static func loweredDecomposition(_ text: String) -> [Unicode.Scalar] {
        let table = LowerTable.shared
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard table.append(scalar, to: &result) else {
                return PythonCharacters.lowered(decomposed(text.unicodeScalars))
            }
        }
        return result
    }
}

/// Characters whose decomposition in lower case depends on nothing around them, in a table: those
/// of European languages, kana and Chinese characters.
private struct LowerTable: Sendable {
    static let shared = LowerTable()

    /// Blocks without combining marks.
    private static let blocks: [ClosedRange<UInt32>] = [
        0x00C0...0x02FF, 0x0370...0x0482, 0x1E00...0x1FFF, 0x3041...0x3098, 0x309B...0x30FF,
    ]

    /// Where in `scalars` each character's text begins, block after block.
    private let starts: [Int]
    private let scalars: [Unicode.Scalar]

    private init() {
        var starts: [Int] = []
        var scalars: [Unicode.Scalar] = []
        for value in Self.blocks.joined() {
            starts.append(scalars.count)
            guard let scalar = Unicode.Scalar(value) else { continue }
            scalars += PythonCharacters.lowered(CanonicalText.decomposed([scalar]))
        }
        self.starts = starts + [scalars.count]
        self.scalars = scalars
    }

    /// Appends a character's text; false for one that is not in the table.
    func append(_ scalar: Unicode.Scalar, to result: inout [Unicode.Scalar]) -> Bool {
        let value = scalar.value
        if value < 0xC0 {
            let isUpper = value >= 0x41 && value <= 0x5A
            result.append(isUpper ? Unicode.Scalar(UInt8(value + 0x20)) : scalar)
            return true
        }
        // Dashes, quotes and Chinese characters stay what they are.
        if (0x2010...0x2027).contains(value) || (0x4E00...0x9FEF).contains(value) {
            result.append(scalar)
            return true
        }
        // A sigma's lower case depends on what follows.
        if value == 0x3A3 { return false }
        var offset = 0
        for block in Self.blocks {
            if block.contains(value) {
                let index = offset + Int(value - block.lowerBound)
                result.append(contentsOf: scalars[starts[index]..<starts[index + 1]])
                return true
            }
            offset += block.count
        }
        return false
    }
}
