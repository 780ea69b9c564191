import KraitPrompts
import KraitSignatures

/// Calls of an adapter's `format` and `parse`.
enum AdapterCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        guard let adapterRow = AdapterRow(row.entries) else {
            throw ParityRow.malformed("a known adapter, format or parse, and an answer")
        }
        switch adapterRow.outcome {
        case .passed: return
        case .delegated(let rule): throw .delegated(rule)
        case .failed(let text): throw .differs(Self.difference(text))
        }
    }

    /// The two sides of a text that shows both.
    private static func difference(_ text: String) -> ParityDifference {
        var (place, native, python): (String, String, String) = ("", "", "")
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("  krait: ") {
                native = String(line.dropFirst(9))
            } else if line.hasPrefix("  dspy:  ") {
                python = String(line.dropFirst(9))
            } else if place.isEmpty {
                place = String(line)
            } else {
                native += (native.isEmpty ? "" : "\n") + line
            }
        }
        return ParityDifference(place, native: native, python: python)
    }
}
