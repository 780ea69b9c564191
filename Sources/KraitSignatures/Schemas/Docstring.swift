/// Python's treatment of documentation strings, through which DSPy sends instructions.
package enum Docstring {
    /// Python's `inspect.cleandoc`.
    ///
    /// Tabs become spaces, lines behind the first lose their common margin, empty lines at both
    /// ends go. Not idempotent: the first line's margin is removed by itself.
    package static func clean(_ text: String) -> String {
        // Without a line end or a tab only spaces in front go, and a blank text becomes empty.
        if !text.utf8.contains(where: { $0 == 0x0A || $0 == 0x09 || $0 == 0x0D }) {
            guard let first = text.unicodeScalars.first, isSpace(first) else { return text }
            return String(text.unicodeScalars.drop(while: isSpace))
        }
        var lines = expandTabs(text).split(separator: "\n", omittingEmptySubsequences: false)
        let margin = lines.dropFirst().compactMap { line in
            line.firstIndex { !isSpace($0) }.map { $0 - line.startIndex }
        }.min()
        lines[0] = lines[0].drop(while: isSpace)
        if let margin {
            for index in lines.indices.dropFirst() { lines[index] = lines[index].dropFirst(margin) }
        }
        while lines.last?.isEmpty ?? false { lines.removeLast() }
        let kept = lines.drop { $0.isEmpty }
        var result = String.UnicodeScalarView()
        for (index, line) in kept.enumerated() {
            if index > 0 { result.append("\n") }
            result.append(contentsOf: line)
        }
        return String(result)
    }

    /// `str.expandtabs(8)`.
    private static func expandTabs(_ text: String) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var column = 0
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\t":
                let spaces = 8 - column % 8
                result.append(contentsOf: repeatElement(" ", count: spaces))
                column += spaces
            case "\n", "\r":
                result.append(scalar)
                column = 0
            default:
                result.append(scalar)
                column += 1
            }
        }
        return result
    }

    /// Python's `str.isspace`.
    package static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }

    /// What DSPy says where nobody gives instructions.
    package static func standard(inputs: [Field], outputs: [Field]) -> String {
        var text = "Given the fields "
        text.reserveCapacity(64 + 20 * (inputs.count + outputs.count))
        append(inputs, to: &text)
        text += ", produce the fields "
        append(outputs, to: &text)
        text += "."
        return text
    }

    private static func append(_ fields: [Field], to text: inout String) {
        for (index, field) in fields.enumerated() {
            text += index > 0 ? ", `" : "`"
            text += field.name
            text += "`"
        }
    }
}
