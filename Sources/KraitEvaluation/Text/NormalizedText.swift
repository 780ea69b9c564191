/// A text as DSPy's metrics compare it: decomposed, in lower case, without punctuation and English
/// articles, its words one blank apart.
struct NormalizedText: Equatable, Sendable {
    /// The text in UTF-8.
    let bytes: [UInt8]

    /// Normalizes a text; linear in its length.
    init(_ text: String) {
        let ascii = text.utf8.withContiguousStorageIfAvailable(Self.normalizedASCII)
        bytes = (ascii ?? nil) ?? Self.normalizedUnicode(text)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Nil where a byte is not ASCII.
    private static func normalizedASCII(_ source: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var isASCII = true
        let result = [UInt8](unsafeUninitializedCapacity: source.count + 1) { buffer, count in
            var writer = WordWriter(buffer)
            for byte in source {
                guard byte < 0x80 else {
                    isASCII = false
                    break
                }
                writer.write(byte)
            }
            writer.finish()
            count = writer.count
        }
        return isASCII ? result : nil
    }

    private static func normalizedUnicode(_ text: String) -> [UInt8] {
        let scalars = CanonicalText.loweredDecomposition(text)
        let capacity = scalars.count * 4 + 1
        return [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            var writer = WordWriter(buffer)
            for scalar in scalars {
                if scalar.isASCII {
                    writer.write(UInt8(truncatingIfNeeded: scalar.value))
                } else if PythonCharacters.isSpace(scalar) {
                    writer.endWord()
                    writer.isBlankDue = true
                } else {
                    if PythonCharacters.isWord(scalar) {
                        writer.beginWord()
                    } else {
                        writer.endWord()
                        writer.writeDueBlank()
                    }
                    for byte in scalar.utf8 { writer.append(byte) }
                }
            }
            writer.finish()
            count = writer.count
        }
    }
}

/// Writes words and what stands between them, taking articles out again.
private struct WordWriter {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0
    /// A blank belongs before whatever comes next.
    var isBlankDue = false
    /// Where the current word begins, and where the text ended before it; nil outside of words.
    private var word: (start: Int, end: Int)?

    /// A writer into a buffer that has room for all that will be written.
    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func append(_ byte: UInt8) {
        buffer[count] = byte
        count += 1
    }

    mutating func writeDueBlank() {
        if isBlankDue, count > 0 { append(0x20) }
        isBlankDue = false
    }

    mutating func beginWord() {
        guard word == nil else { return }
        let end = count
        writeDueBlank()
        word = (count, end)
    }

    /// Ends the current word; an article becomes a blank.
    mutating func endWord() {
        guard let (start, end) = word else { return }
        word = nil
        let length = count - start
        let isArticle =
            switch length {
            case 1: buffer[start] == 0x61
            case 2: buffer[start] == 0x61 && buffer[start + 1] == 0x6E
            case 3:
                buffer[start] == 0x74 && buffer[start + 1] == 0x68 && buffer[start + 2] == 0x65
            default: false
            }
        guard isArticle else { return }
        count = end
        isBlankDue = true
    }

    mutating func write(_ byte: UInt8) {
        switch byte {
        case 0x61...0x7A, 0x30...0x39: writeInWord(byte)
        case 0x41...0x5A: writeInWord(byte + 0x20)
        case 0x20, 0x09...0x0D, 0x1C...0x1F:
            endWord()
            isBlankDue = true
        case 0x21...0x7E: break
        default:
            endWord()
            writeDueBlank()
            append(byte)
        }
    }

    private mutating func writeInWord(_ byte: UInt8) {
        beginWord()
        append(byte)
    }

    mutating func finish() { endWord() }
}
