/// Cuts documents into passages: pieces of one section, about 120 words, whole paragraphs if
/// possible.
struct Passages {
    /// A passage ends with the paragraph that reaches this many words.
    static let target = 120
    /// No passage is longer; a longer paragraph is cut by words.
    static let maximum = 180
    /// How many words the pieces of a cut paragraph share, so that no sentence is lost between
    /// them.
    static let overlap = 24
    /// A section's last piece below this goes to the one before it, if that has room.
    static let minimum = 20

    /// The passages of a section's paragraphs, in order.
    static func cut(_ paragraphs: [String]) -> [String] {
        var pieces: [Piece] = []
        var piece = Piece()
        func finish() {
            if piece.words > 0 { pieces.append(piece) }
            piece = Piece()
        }
        for paragraph in paragraphs {
            let words = paragraph.words
            if words.count > maximum {
                finish()
                pieces += windows(words)
                continue
            }
            if piece.words + words.count > maximum { finish() }
            piece.add(paragraph, words.count)
            if piece.words >= target { finish() }
        }
        if piece.words < minimum, let last = pieces.last, last.words + piece.words <= maximum {
            pieces[pieces.count - 1].add(piece.text, piece.words)
            piece = Piece()
        }
        finish()
        return pieces.map(\.text)
    }

    private struct Piece {
        var text = ""
        var words = 0

        mutating func add(_ paragraph: String, _ count: Int) {
            if count == 0 { return }
            text += text.isEmpty ? paragraph : "\n" + paragraph
            words += count
        }
    }

    private static func windows(_ words: [Substring]) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        while start + overlap < words.count {
            let rest = words.count - start
            let length = rest <= maximum ? rest : target
            var piece = Piece()
            piece.add(words[start..<start + length].joined(separator: " "), length)
            pieces.append(piece)
            start += length - overlap
        }
        return pieces
    }
}
