/// The state of a repair and the ways to look around in the text.
///
/// Offsets are relative to `index`. As in Python, an offset before the beginning counts from the
/// end, which some rules come to by chance.
struct RepairParser {
    /// What is being read; the innermost is last.
    enum Context { case key, value, array }

    /// Some rules write into the text.
    var text: [Unicode.Scalar]
    var index = 0
    private(set) var contexts: [Context] = []
    private var keys = 0
    private var values = 0
    private var arrays = 0
    /// Contexts that the next value stands in although their container has ended.
    var deferred: [Context] = []
    /// Whether strict JSON was tried on the rest of the text.
    var hasTriedRest = false
    /// How many values are open around the current place.
    var depth = 0
    /// How many comments stood before the current top-level value.
    var comments = 0
    /// Steps spent on looking ahead and back.
    var effort = 0
    let effortLimit: Int

    /// Deeper nesting meets Python's recursion limit, at a depth that depends on its caller.
    static let depthLimit = 160
    /// So do comments between words at the top level.
    static let commentLimit = 80
    static let stepsPerScalar = 64
    static let quotes: [Unicode.Scalar] = ["\"", "'", "\u{201C}", "\u{201D}"]

    init(_ text: [Unicode.Scalar]) {
        self.text = text
        effortLimit = 1_000_000 + Self.stepsPerScalar * text.count
    }

    // MARK: - Contexts

    var context: Context? { contexts.last }

    func isInside(_ context: Context) -> Bool {
        switch context {
        case .key: keys > 0
        case .value: values > 0
        case .array: arrays > 0
        }
    }

    mutating func enter(_ context: Context) {
        contexts.append(context)
        count(context, 1)
    }

    mutating func leave() { if let last = contexts.popLast() { count(last, -1) } }

    mutating func leaveAll() { while !contexts.isEmpty { leave() } }

    private mutating func count(_ context: Context, _ change: Int) {
        switch context {
        case .key: keys += change
        case .value: values += change
        case .array: arrays += change
        }
    }

    // MARK: - Looking around

    /// The scalar at an offset, or nil outside of the text.
    func at(_ offset: Int = 0) -> Unicode.Scalar? {
        let place = index + offset
        if place >= 0 { return place < text.count ? text[place] : nil }
        return place + text.count >= 0 ? text[place + text.count] : nil
    }

    func isQuote(_ scalar: Unicode.Scalar?) -> Bool { scalar.map(Self.quotes.contains) ?? false }

    /// A part of the text, cut off at its ends.
    func part(_ from: Int, _ to: Int) -> ArraySlice<Unicode.Scalar> {
        let start = min(max(0, from), text.count)
        return text[start..<min(max(start, to), text.count)]
    }

    func starts(_ offset: Int, _ word: String) -> Bool {
        word.unicodeScalars.enumerated().allSatisfy { at(offset + $0.offset) == $0.element }
    }

    mutating func skipSpace() {
        while let scalar = at(), scalar.isPythonSpace { index += 1 }
    }

    /// The offset of the first scalar from there on that is no space.
    mutating func afterSpace(_ offset: Int = 0) -> Int {
        var offset = offset
        while let scalar = at(offset), scalar.isPythonSpace {
            offset += 1
            effort += 1
        }
        return offset
    }

    /// The offset of the first of these scalars from there on that no backslash escapes.
    ///
    /// The distance to the text's end where there is none.
    mutating func find(_ targets: [Unicode.Scalar], from offset: Int) -> Int {
        search(from: offset) { targets.contains($0) }
    }

    /// The same of one scalar.
    mutating func find(_ target: Unicode.Scalar, from offset: Int) -> Int {
        search(from: offset) { $0 == target }
    }

    private mutating func search(
        from offset: Int,
        _ isTarget: (Unicode.Scalar) -> Bool
    ) -> Int {
        let start = min(max(0, index + offset), text.count)
        let length = text.count
        let found = text.withUnsafeBufferPointer { scalars in
            var isEscaped = false
            for place in start..<length {
                let scalar = scalars[place]
                if scalar == "\\" {
                    isEscaped.toggle()
                } else {
                    if !isEscaped, isTarget(scalar) { return place }
                    isEscaped = false
                }
            }
            return length
        }
        effort += found - start
        return found - index
    }

    // MARK: - Bounds

    mutating func checkEffort() throws(ValueFailure) {
        effort += 1
        if effort > effortLimit { throw .delegated(.effort) }
    }

    mutating func deeper() throws(ValueFailure) {
        depth += 1
        if depth > Self.depthLimit { throw .delegated(.depth) }
    }
}

extension Unicode.Scalar {
    /// Python's `str.isspace` of one character.
    var isPythonSpace: Bool {
        switch value {
        case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
            0x3000:
            true
        default: false
        }
    }

    /// Python's `str.isalpha` of one character.
    var isPythonLetter: Bool {
        if isASCII { return Ascii.isLetter(UInt8(value)) }
        return switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }

    /// Python's `str.isdigit` of one character.
    var isPythonDigit: Bool {
        if isASCII { return Ascii.isDigit(UInt8(value)) }
        return switch properties.numericType {
        case .decimal, .digit: true
        default: false
        }
    }

    /// Python's `str.isalnum` of one character.
    var isPythonLetterOrNumber: Bool {
        isPythonLetter || (isASCII ? isPythonDigit : properties.numericType != nil)
    }
}

extension Collection where Element == Unicode.Scalar {
    /// The text of the scalars.
    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: self)
        return String(view)
    }

    /// Without spaces at the beginning, as Python's `lstrip`.
    var withoutLeadingSpace: SubSequence { drop(while: \.isPythonSpace) }
}
