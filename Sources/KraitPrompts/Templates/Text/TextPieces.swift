/// Cutting text into pieces as Python's strings do.
enum TextPieces {
    enum Side { case start, end, both }

    static func stripped(_ text: String, _ characters: String?, _ side: Side) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        func goes(_ scalar: Unicode.Scalar) -> Bool {
            set?.contains(scalar) ?? TemplateSpace.isSpace(scalar)
        }
        var rest = Substring(text).unicodeScalars
        if side != .end {
            while let first = rest.first, goes(first) { rest.removeFirst() }
        }
        if side != .start {
            while let last = rest.last, goes(last) { rest.removeLast() }
        }
        return String(rest)
    }

    /// `split()`: the runs of text between white space, at most `limit` cuts unless negative.
    static func words(_ text: String, _ limit: Int, fromEnd: Bool) -> [String] {
        var scalars = Array(text.unicodeScalars)
        if fromEnd { scalars.reverse() }
        var pieces: [[Unicode.Scalar]] = []
        var index = 0
        while true {
            while index < scalars.count, TemplateSpace.isSpace(scalars[index]) { index += 1 }
            guard index < scalars.count else { break }
            if limit >= 0, pieces.count == limit {
                var rest = Array(scalars[index...])
                while let last = rest.last, TemplateSpace.isSpace(last) { rest.removeLast() }
                pieces.append(rest)
                break
            }
            let start = index
            while index < scalars.count, !TemplateSpace.isSpace(scalars[index]) { index += 1 }
            pieces.append(Array(scalars[start..<index]))
        }
        let texts = pieces.map { piece in
            var view = String.UnicodeScalarView()
            view.append(contentsOf: fromEnd ? piece.reversed() : piece)
            return String(view)
        }
        return fromEnd ? texts.reversed() : texts
    }

    static func split(_ text: String, _ mark: String, _ limit: Int, fromEnd: Bool) -> [String] {
        var bytes = Array(text.utf8)
        var part = Array(mark.utf8)
        if fromEnd {
            bytes.reverse()
            part.reverse()
        }
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while limit < 0 || pieces.count < limit {
            guard let found = ByteSearch.first(part, in: bytes, from: start) else { break }
            pieces.append(bytes[start..<found])
            start = found + part.count
        }
        pieces.append(bytes[start...])
        if fromEnd {
            return pieces.reversed().map { String(decoding: $0.reversed(), as: UTF8.self) }
        }
        return pieces.map { String(decoding: $0, as: UTF8.self) }
    }

    static func lines(_ text: String, keepsEnds: Bool = false) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        let scalars = text.unicodeScalars
        var index = scalars.startIndex
        while index < scalars.endIndex {
            let scalar = scalars[index]
            index = scalars.index(after: index)
            guard TemplateSpace.isLineBreak(scalar) else {
                line.append(scalar)
                continue
            }
            if keepsEnds { line.append(scalar) }
            if scalar == "\r", index < scalars.endIndex, scalars[index] == "\n" {
                if keepsEnds { line.append("\n") }
                index = scalars.index(after: index)
            }
            lines.append(String(line))
            line = .init()
        }
        if !line.isEmpty { lines.append(String(line)) }
        return lines
    }

    /// `replace`, at most `limit` times unless negative.
    static func replaced(
        _ text: String,
        _ old: String,
        _ new: String,
        _ limit: Int,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        let (bytes, part, other) = (Array(text.utf8), Array(old.utf8), Array(new.utf8))
        var result: [UInt8] = []
        var (start, count) = (0, 0)
        if part.isEmpty {
            // Python puts the new text before each scalar and at the end.
            for byte in bytes {
                if byte & 0xC0 != 0x80, limit < 0 || count < limit {
                    result += other
                    count += 1
                    try rendering.check(length: result.count)
                }
                result.append(byte)
            }
            if limit < 0 || count < limit { result += other }
            return try rendering.text(result)
        }
        while limit < 0 || count < limit {
            guard let found = ByteSearch.first(part, in: bytes, from: start) else { break }
            result += bytes[start..<found]
            result += other
            try rendering.check(length: result.count)
            start = found + part.count
            count += 1
        }
        guard count > 0 else { return text }
        result += bytes[start...]
        return try rendering.text(result)
    }

    /// Text filled up to a width; the sides are those that are filled.
    static func padded(
        _ text: String,
        _ width: Int,
        _ fill: String,
        _ side: Side,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        guard fill.unicodeScalars.count == 1 else {
            throw TemplateError(.value, "what fills it is one character")
        }
        let length = text.unicodeScalars.count
        let missing = width - length
        guard missing > 0 else { return text }
        try rendering.check(length: missing)
        let left: Int =
            switch side {
            case .start: missing
            case .end: 0
            // Python's own rule for the odd one.
            case .both: missing / 2 + (missing & width & 1)
            }
        let begin = String(repeating: fill, count: left)
        return try rendering.made(begin + text + String(repeating: fill, count: missing - left))
    }
}
