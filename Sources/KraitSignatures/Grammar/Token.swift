/// One token of Python's grammar, as a range of the text's UTF-8.
///
/// Tokens hold no text: what a name, number or string says is read from the range when it is
/// needed.
struct Token {
    var kind: Kind
    var start: Int
    /// One past the last byte.
    var end: Int

    enum Kind: Equatable {
        case name, number, string
        /// The end of one side: the parenthesis that closes DSPy's `def f(…): pass`.
        case end

        case leftParenthesis, rightParenthesis, leftBracket, rightBracket, leftBrace, rightBrace
        case comma, colon, dot, ellipsis, equals, walrus, semicolon
        case star, doubleStar, slash, doubleSlash, percent, at, plus, minus, tilde
        case pipe, ampersand, caret, shiftLeft, shiftRight
        case less, greater, lessOrEqual, greaterOrEqual, doubleEquals, notEquals
        /// `+=` and its like, which no expression has.
        case assignment

        case ifKeyword, elseKeyword, orKeyword, andKeyword, notKeyword, inKeyword, isKeyword
        case lambdaKeyword, awaitKeyword, asyncKeyword, forKeyword, yieldKeyword, fromKeyword
        case noneKeyword, trueKeyword, falseKeyword
        /// `class`, `def` and the others that begin or belong to statements.
        case statementKeyword
    }

    /// The keyword that a name is, or nil.
    ///
    /// Only ASCII spellings count: Python looks before it normalises, so a full-width `class` is a
    /// name. Nearly every token of a signature is asked this, so it compares words, not texts.
    static func keyword(_ text: ArraySlice<UInt8>) -> Kind? {
        guard text.count < keywords.count else { return nil }
        let packed = pack(text)
        return keywords[text.count].first { $0.packed == packed }?.kind
    }

    private static func pack(_ text: some Sequence<UInt8>) -> UInt64 {
        text.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// By length; none is longer than eight letters.
    private static let keywords: [[(packed: UInt64, kind: Kind)]] = {
        var table = [[(packed: UInt64, kind: Kind)]](repeating: [], count: 9)
        for (word, kind) in [
            ("if", Kind.ifKeyword), ("else", .elseKeyword), ("or", .orKeyword),
            ("and", .andKeyword),
            ("not", .notKeyword), ("in", .inKeyword), ("is", .isKeyword),
            ("lambda", .lambdaKeyword), ("await", .awaitKeyword), ("async", .asyncKeyword),
            ("for", .forKeyword), ("yield", .yieldKeyword), ("from", .fromKeyword),
            ("None", .noneKeyword), ("True", .trueKeyword), ("False", .falseKeyword),
        ] {
            table[word.utf8.count].append((pack(word.utf8), kind))
        }
        for word in [
            "as", "assert", "break", "class", "continue", "def", "del", "elif", "except", "finally",
            "global", "import", "nonlocal", "pass", "raise", "return", "try", "while", "with",
        ] {
            table[word.utf8.count].append((pack(word.utf8), .statementKeyword))
        }
        return table
    }()
}

extension String {
    /// The text of bytes that are known to be UTF-8.
    @inline(__always)
    init(bytes: some Collection<UInt8>) { self = String(decoding: bytes, as: UTF8.self) }
}
