/// DSPy's names for people, inferred from names of fields.
public enum FieldPrefix {
    /// The name in words: `Camel Case Text`, `HTML Parser`, `Text 2 Number`.
    ///
    /// Words end where case changes and around digits; each is capitalised unless it is all
    /// capitals.
    public static func infer(from name: String) -> String {
        var fast: [UInt8] = []
        fast.reserveCapacity(name.utf8.count + 8)
        // Nearly all names are like this: one scan, no other alphabet.
        var beginsWord = true
        for byte in name.utf8 {
            if Ascii.isLower(byte) {
                fast.append(beginsWord ? byte & 0xDF : byte)
                beginsWord = false
            } else if byte == Ascii.underscore {
                fast.append(0x20)
                beginsWord = true
            } else {
                return infer(Array(name.unicodeScalars))
            }
        }
        return String(decoding: fast, as: UTF8.self)
    }

    private static func infer(_ scalars: [Unicode.Scalar]) -> String {
        var scalars = separateWords(scalars)
        // Each pass goes over the result of the one before, as DSPy's four substitutions do.
        scalars = separate(scalars) { ($0.isLower || $0.isDigit) && $1.isUpper }
        scalars = separate(scalars) { ($0.isLower || $0.isUpper) && isDecimal($1) }
        scalars = separate(scalars) { isDecimal($0) && ($1.isLower || $1.isUpper) }
        return scalars.split(separator: "_", omittingEmptySubsequences: false)
            .map { isUpper($0) ? String($0) : capitalised($0) }
            .joined(separator: " ")
    }

    /// Python's substitution `(.)([A-Z][a-z]+)` → `\1_\2`.
    private static func separateWords(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < scalars.count {
            result.append(scalars[index])
            guard index + 2 < scalars.count, scalars[index] != "\n", scalars[index + 1].isUpper,
                scalars[index + 2].isLower
            else {
                index += 1
                continue
            }
            result.append("_")
            result.append(scalars[index + 1])
            index += 2
            while index < scalars.count, scalars[index].isLower {
                result.append(scalars[index])
                index += 1
            }
        }
        return result
    }

    /// Python's substitution `(a)(b)` → `\1_\2`, without overlaps.
    private static func separate(
        _ scalars: [Unicode.Scalar],
        _ matches: (Unicode.Scalar, Unicode.Scalar) -> Bool
    ) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < scalars.count {
            result.append(scalars[index])
            guard index + 1 < scalars.count, matches(scalars[index], scalars[index + 1]) else {
                index += 1
                continue
            }
            result.append("_")
            result.append(scalars[index + 1])
            index += 2
        }
        return result
    }

    /// Python's `\d`.
    private static func isDecimal(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isDigit
            || scalar.value >= 0x80 && scalar.properties.generalCategory == .decimalNumber
    }

    /// Python's `str.isupper`.
    private static func isUpper(_ word: ArraySlice<Unicode.Scalar>) -> Bool {
        var isCased = false
        for scalar in word {
            let properties = scalar.properties
            if properties.isLowercase || properties.generalCategory == .titlecaseLetter {
                return false
            }
            if properties.isUppercase { isCased = true }
        }
        return isCased
    }

    /// Python's `str.capitalize`: title case for the first letter, lower case for the others.
    private static func capitalised(_ word: ArraySlice<Unicode.Scalar>) -> String {
        guard let first = word.first else { return "" }
        var result = first.properties.titlecaseMapping
        for index in word.indices.dropFirst() {
            if word[index] == "Σ" {
                result += isFinal(index, in: word) ? "ς" : "σ"
            } else {
                result += word[index].properties.lowercaseMapping
            }
        }
        return result
    }

    /// Whether a sigma ends its word: a cased letter before it and none behind, not counting marks.
    private static func isFinal(_ index: Int, in word: ArraySlice<Unicode.Scalar>) -> Bool {
        let before = word[..<index].last { !$0.properties.isCaseIgnorable }
        let after = word[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        return (before?.properties.isCased ?? false) && !(after?.properties.isCased ?? false)
    }
}

extension Unicode.Scalar {
    fileprivate var isLower: Bool { self >= "a" && self <= "z" }
    fileprivate var isUpper: Bool { self >= "A" && self <= "Z" }
    fileprivate var isDigit: Bool { self >= "0" && self <= "9" }
}

extension String {
    fileprivate init(_ scalars: ArraySlice<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}
