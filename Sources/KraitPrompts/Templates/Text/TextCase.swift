/// Upper and lower case as Python's strings have them, by scalars.
enum TextCase {
    static func upper(_ text: String) -> String {
        if isASCII(text) { return mapped(text) { $0 &- 0x61 < 26 ? $0 & ~0x20 : $0 } }
        var result = ""
        for scalar in text.unicodeScalars { result += scalar.properties.uppercaseMapping }
        return result
    }

    static func lower(_ text: String) -> String {
        if isASCII(text) { return mapped(text) { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } }
        let scalars = Array(text.unicodeScalars)
        var result = ""
        for index in scalars.indices { result += lower(scalars, index) }
        return result
    }

    private static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    private static func mapped(_ text: String, _ map: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map(map), as: UTF8.self)
    }

    /// A sigma at a word's end has another small form.
    private static func lower(_ scalars: [Unicode.Scalar], _ index: Int) -> String {
        guard scalars[index] == "\u{3A3}" else { return scalars[index].properties.lowercaseMapping }
        let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        let isFinal =
            before?.properties.isCased == true && after?.properties.isCased != true
        return isFinal ? "\u{3C2}" : "\u{3C3}"
    }

    static func capitalized(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        guard let first = scalars.first else { return "" }
        var result = first.properties.titlecaseMapping
        for index in scalars.indices.dropFirst() { result += lower(scalars, index) }
        return result
    }

    /// `str.title`: each run of letters begins with a capital.
    static func titled(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = ""
        var isInWord = false
        for index in scalars.indices {
            let properties = scalars[index].properties
            result += isInWord ? lower(scalars, index) : properties.titlecaseMapping
            isInWord = properties.isCased
        }
        return result
    }

    static func swapped(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = ""
        for index in scalars.indices {
            let properties = scalars[index].properties
            result +=
                properties.isUppercase
                ? lower(scalars, index)
                : properties.isLowercase ? properties.uppercaseMapping : String(scalars[index])
        }
        return result
    }

    /// `isupper` and `islower`: there is a cased letter, and none of the other case.
    static func isAll(upper: Bool, _ text: String) -> Bool {
        var isCased = false
        for scalar in text.unicodeScalars {
            let properties = scalar.properties
            if upper ? properties.isLowercase : properties.isUppercase { return false }
            if properties.generalCategory == .titlecaseLetter { return false }
            if upper ? properties.isUppercase : properties.isLowercase { isCased = true }
        }
        return isCased
    }

    static func isAlpha(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }

    static func isDecimal(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .decimalNumber
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.numericType {
        case .decimal, .digit: true
        default: false
        }
    }

    static func isNumeric(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.numericType != nil
    }

    /// `\w` of Python's regular expressions.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || isAlpha(scalar) || isNumeric(scalar)
    }
}
