/// Python's `textwrap.dedent`.
package enum Dedent {
    /// The text without the margin of blanks and tabs that its lines share.
    ///
    /// Lines of only blanks and tabs become empty; lines end at `\n` alone.
    package static func dedent(_ text: String) -> String {
        var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            line -> Substring.UTF8View in
            line.allSatisfy(isBlank) ? line.prefix(0) : line
        }
        var margin: [UInt8]?
        for line in lines where !line.isEmpty {
            let indent = Array(line.prefix(while: isBlank))
            guard let common = margin else {
                margin = indent
                continue
            }
            margin = Array(zip(common, indent).prefix { $0 == $1 }.map(\.0))
        }
        if let margin, !margin.isEmpty {
            lines = lines.map { $0.isEmpty ? $0 : $0.dropFirst(margin.count) }
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for (index, line) in lines.enumerated() {
            if index > 0 { result.append(0x0A) }
            result.append(contentsOf: line)
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
