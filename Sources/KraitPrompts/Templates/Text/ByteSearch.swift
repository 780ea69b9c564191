/// Finding text in text, by UTF-8 and in linear time.
enum ByteSearch {
    static func contains(_ text: String, _ part: String) -> Bool {
        first(Array(part.utf8), in: Array(text.utf8), from: 0) != nil
    }

    /// The offset of the first occurrence from `start` on; the end for an empty part.
    static func first(_ part: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard start <= text.count else { return nil }
        guard !part.isEmpty else { return start }
        guard part.count <= text.count - start else { return nil }
        guard part.count > 1 else { return text[start...].firstIndex(of: part[0]) }
        // Knuth, Morris and Pratt: linear whatever the texts.
        var borders = [0]
        borders.reserveCapacity(part.count)
        var matched = 0
        for byte in part.dropFirst() {
            while matched > 0, part[matched] != byte { matched = borders[matched - 1] }
            if part[matched] == byte { matched += 1 }
            borders.append(matched)
        }
        matched = 0
        for index in start..<text.count {
            while matched > 0, part[matched] != text[index] { matched = borders[matched - 1] }
            if part[matched] == text[index] { matched += 1 }
            if matched == part.count { return index - matched + 1 }
        }
        return nil
    }

    /// The offset of the last occurrence.
    static func last(_ part: [UInt8], in text: [UInt8]) -> Int? {
        let reversed = first(part.reversed(), in: text.reversed(), from: 0)
        return reversed.map { text.count - $0 - part.count }
    }
}
