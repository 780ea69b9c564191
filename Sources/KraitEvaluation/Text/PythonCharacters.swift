/// What Python 3.11 knows of a character.
///
/// Its tables are Unicode 14's: what was assigned later is to Python unassigned, and so it is here.
enum PythonCharacters {
    /// Whether Python's tables know the character.
    static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        guard !scalar.isASCII else { return true }
        guard let age = scalar.properties.age else { return false }
        return age.major <= 14
    }

    /// `\w` of Python's `re`, without the underscore: a letter, or something with a number's value.
    ///
    /// Combining marks are no part of a word there.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            isKnown(scalar)
        default: properties.numericType != nil && isKnown(scalar)
        }
    }

    /// What `str.split()` splits at.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        // Unicode does not count ASCII's four separators as white space.
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    /// `str.lower()`, with its rule for a sigma at the end of a word.
    static func lowered(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        // Whether a cased character stands before, case-ignorable ones left out.
        var isAfterCased = false
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\u{3A3}" {
                let isFinal = isAfterCased && !isBeforeCased(scalars, index)
                result.append(isFinal ? "\u{3C2}" : "\u{3C3}")
            } else if scalar.isASCII {
                let value = scalar.value
                let isUpper = value >= 0x41 && value <= 0x5A
                result.append(isUpper ? Unicode.Scalar(UInt8(value + 0x20)) : scalar)
            } else if isKnown(scalar) {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            } else {
                result.append(scalar)
            }
            if !isIgnorable(scalar) { isAfterCased = isCased(scalar) }
        }
        return result
    }

    private static func isBeforeCased(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
        // Ends at the next sigma at the latest: all these looks together are linear.
        let next = scalars[(index + 1)...].first { !isIgnorable($0) }
        return next.map(isCased) ?? false
    }

    private static func isCased(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isCased && isKnown(scalar)
    }

    private static func isIgnorable(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isCaseIgnorable && isKnown(scalar)
    }
}
