/// The words of a text as DSPy's passage matching takes them: runs of letters, numbers and marks,
/// and every other visible character by itself.
extension Tokens {
    /// The words of a normalized text.
    init(passage text: NormalizedText) {
        guard text.bytes.contains(where: { $0 >= 0x80 }) else {
            self.init(bytes: text.bytes)
            appendASCII()
            return
        }
        // Without its punctuation the text may no longer be in normal form.
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        var start: Int?
        for scalar in CanonicalText.decomposed(text.text.unicodeScalars) {
            let kind = PassageCharacter(scalar)
            if kind != .ofWord, let first = start {
                ranges.append(first..<bytes.count)
                start = nil
            }
            if kind == .ofWord, start == nil { start = bytes.count }
            let before = bytes.count
            bytes.append(contentsOf: scalar.utf8)
            if kind == .alone { ranges.append(before..<bytes.count) }
        }
        if let start { ranges.append(start..<bytes.count) }
        self.init(bytes: bytes)
        for range in ranges { append(range) }
    }

    /// In ASCII only letters and digits, blanks and control characters are left.
    private mutating func appendASCII() {
        var start = 0
        for (index, byte) in bytes.enumerated() where byte <= 0x20 || byte == 0x7F {
            if start < index { append(start..<index) }
            start = index + 1
        }
        if start < bytes.count { append(start..<bytes.count) }
    }
}

/// What a character is to the tokenizer.
enum PassageCharacter {
    /// A letter, number or mark: with its neighbours a word.
    case ofWord
    /// A word by itself.
    case alone
    /// Blank or invisible.
    case outside

    /// By Unicode 18, the version of the `regex` package that DSPy 3.4.1 is used with here.
    init(_ scalar: Unicode.Scalar) {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber, .nonspacingMark, .spacingMark,
            .enclosingMark:
            self = .ofWord
        case .unassigned: self = Self.later(scalar.value)
        case .spaceSeparator, .lineSeparator, .paragraphSeparator, .control, .format, .surrogate,
            .privateUse:
            self = .outside
        default: self = .alone
        }
    }

    /// Characters that Swift's tables do not know yet.
    private static func later(_ value: UInt32) -> PassageCharacter {
        if wordCharacters.contains(where: { $0.contains(value) }) { return .ofWord }
        return symbols.contains { $0.contains(value) } ? .alone : .outside
    }

    private static let wordCharacters: [ClosedRange<UInt32>] = [
        0x558...0x558, 0x58B...0x58C, 0x5C8...0x5C9, 0xB53...0xB54, 0x1ADE...0x1ADF,
        0x1AEC...0x1AF0, 0x208F...0x208F, 0x209D...0x209F, 0xA7DD...0xA7DD, 0xA7E2...0xA7E2,
        0xAB6C...0xAB6D, 0x1_07BB...0x1_07BF, 0x1_0ECB...0x1_0ECF, 0x1_0ED9...0x1_0EEE,
        0x1_0EF0...0x1_0EF9, 0x1_1B0A...0x1_1B0A, 0x1_1DF0...0x1_1DF1, 0x1_246F...0x1_246F,
        0x1_2475...0x1_247F, 0x1_2550...0x1_2686, 0x1_8CD6...0x1_8CDA, 0x1_8D1F...0x1_8D20,
        0x1_8E00...0x1_9191, 0x1_91A0...0x1_91D2, 0x1_B123...0x1_B128, 0x1_B168...0x1_B168,
        0x1_D127...0x1_D128, 0x1_D250...0x1_D252, 0x1_D25B...0x1_D25C, 0x1_D25F...0x1_D25F,
        0x1_D280...0x1_D281, 0x1_D6A6...0x1_D6A6, 0x1_DF1F...0x1_DF24, 0x1_DF2B...0x1_DF81,
        0x1_DF90...0x1_DF96, 0x1_DFCD...0x1_DFFF, 0x2_B81E...0x2_B81E, 0x3_D000...0x3_FC3F,
    ]

    private static let symbols: [ClosedRange<UInt32>] = [
        0x20C2...0x20C4, 0x2E60...0x2E63, 0x1_0EC9...0x1_0ECA, 0x1_CED2...0x1_CED4,
        0x1_CEDD...0x1_CEDF, 0x1_CEF1...0x1_CEFD, 0x1_D1EB...0x1_D1FF, 0x1_D253...0x1_D25A,
        0x1_D25D...0x1_D25E, 0x1_D260...0x1_D27F, 0x1_DB00...0x1_DB1C, 0x1_F1AE...0x1_F1AE,
        0x1_F6D9...0x1_F6D9, 0x1_F7DA...0x1_F7DB, 0x1_F7F1...0x1_F7FF, 0x1_FA8B...0x1_FA8D,
        0x1_FACC...0x1_FACC, 0x1_FADD...0x1_FADD, 0x1_FAEB...0x1_FAEB, 0x1_FAF9...0x1_FAFA,
    ]
}
