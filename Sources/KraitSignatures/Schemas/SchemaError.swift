/// Why a text is no signature, or values do not fit one.
///
/// Says the place, the reason and what to do. It quotes the signature's text, which is code, and
/// names fields and kinds; it never holds a value of a call, so it can be logged.
public struct SchemaError: Error, Sendable, Equatable {
    /// What went wrong, for programs.
    public var code: Code
    /// What is wrong, in a sentence without an end.
    public var reason: String
    /// What to do about it, where there is something to say.
    public var remedy: String?
    /// Where in the signature's text; nil for what is not about a text.
    public var place: Place?
    /// The field, and the way into its value: `rows[3].id`.
    public var path: String?
    /// The class of the exception that DSPy raises for the same, where it raises one.
    public var exception: PythonException?
    /// The rule by which only Python can tell, for `code == .delegated`.
    public var rule: DelegationRule?

    /// An error of the given code.
    public init(
        _ code: Code,
        _ reason: String,
        remedy: String? = nil,
        place: Place? = nil,
        path: String? = nil,
        exception: PythonException? = nil,
        rule: DelegationRule? = nil
    ) {
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.place = place
        self.path = path
        self.exception = exception
        self.rule = rule
    }

    /// What went wrong, for programs.
    ///
    /// New codes may be added: a `switch` needs a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let rawValue: String
        /// A code of this name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The code's name.
        public var description: String { rawValue }

        /// There is not exactly one `->`.
        public static let arrow = Code(rawValue: "arrow")
        /// Python's parser would refuse it.
        public static let syntax = Code(rawValue: "syntax")
        /// An expression that DSPy does not read as a type.
        public static let unhandledExpression = Code(rawValue: "unhandled_expression")
        /// A name that is no type.
        public static let unknownType = Code(rawValue: "unknown_type")
        /// A value, a module or a function stands where a type belongs.
        public static let notAType = Code(rawValue: "not_a_type")
        /// A type has the wrong number or kind of arguments.
        public static let typeArguments = Code(rawValue: "type_arguments")
        /// A Python type that pydantic can make no field of.
        public static let unsupportedType = Code(rawValue: "unsupported_type")
        /// A field is on both sides.
        public static let duplicateField = Code(rawValue: "duplicate_field")
        /// A name that no field can have.
        public static let reservedName = Code(rawValue: "reserved_name")
        /// Only Python can tell whether this is a signature; `rule` says why.
        public static let delegated = Code(rawValue: "delegated")
        /// A field has no value.
        public static let missingField = Code(rawValue: "missing_field")
        /// The signature has no such field.
        public static let unknownField = Code(rawValue: "unknown_field")
        /// A value is not of its field's type.
        public static let wrongType = Code(rawValue: "wrong_type")
        /// An index outside of a side's fields.
        public static let invalidIndex = Code(rawValue: "invalid_index")
        /// A Swift type from which no schema can be derived.
        public static let unsupportedSwiftType = Code(rawValue: "unsupported_swift_type")
        /// A note is not about a field of the signature.
        public static let unknownNote = Code(rawValue: "unknown_note")

        /// Every code there is, for documentation and its checks.
        public static let all: [Code] = [
            .arrow, .syntax, .unhandledExpression, .unknownType, .notAType, .typeArguments,
            .unsupportedType, .duplicateField, .reservedName, .delegated, .missingField,
            .unknownField, .wrongType, .invalidIndex, .unsupportedSwiftType, .unknownNote,
        ]
    }

    /// A place in a signature's text, counted in unicode scalars as Python counts.
    public struct Place: Sendable, Hashable {
        /// From the text's start, beginning at 0.
        public var scalarOffset: Int
        /// How many scalars it is about; 0 for a place between two.
        public var length: Int
        /// Beginning at 1.
        public var line: Int
        /// In its line, beginning at 1.
        public var column: Int
        /// The line it is in, at most 200 scalars of it.
        public var excerpt: String
        /// Where in the excerpt it is, beginning at 0.
        var excerptColumn: Int
    }
}

/// The classes of exceptions with which DSPy refuses signatures.
public enum PythonException: String, Sendable, Hashable {
    case valueError = "ValueError"
    case syntaxError = "SyntaxError"
    case typeError = "TypeError"
    case keyError = "KeyError"
    case assertionError = "AssertionError"
    case pydanticUserError = "PydanticUserError"
    case pydanticSchemaGenerationError = "PydanticSchemaGenerationError"
}

extension SchemaError: CustomStringConvertible {
    /// One line: the place, the reason, the remedy.
    public var description: String {
        var text = ""
        if let place { text += "line \(place.line), column \(place.column): " }
        if let path { text += "\(path): " }
        text += reason
        if let remedy { text += "; \(remedy)" }
        return text
    }

    /// Several lines: the text with a caret under the place, then the description.
    public var rendering: String {
        guard let place else { return description }
        let prefix = place.excerpt.unicodeScalars.prefix(place.excerptColumn)
        // A tab stays a tab, so that the caret stands under its place in any terminal.
        var margin = String.UnicodeScalarView()
        for scalar in prefix { margin.append(scalar == "\t" ? scalar : " ") }
        let room = place.excerpt.unicodeScalars.count - place.excerptColumn
        let carets = String(repeating: "^", count: max(1, min(place.length, room)))
        return "\(place.excerpt)\n\(String(margin))\(carets)\n\(description)"
    }
}

extension SchemaError.Place {
    /// The longest line shown whole; of a longer one the part around the place.
    private static let excerptLimit = 200

    /// The place of a range of a text's UTF-8.
    ///
    /// O(n), which only errors pay.
    init(_ range: Range<Int>, in bytes: [UInt8]) {
        let start = min(range.lowerBound, bytes.count)
        let end = min(max(range.upperBound, start), bytes.count)
        let before = bytes[..<start]
        scalarOffset = Self.scalars(before)
        length = Self.scalars(bytes[start..<end])
        var lineStart = 0
        var line = 1
        for (index, byte) in before.enumerated() where Ascii.isLineEnd(byte) {
            // `\r\n` ends one line.
            let isPair = byte == 0x0D && index + 1 < bytes.count && bytes[index + 1] == 0x0A
            if isPair { continue }
            line += 1
            lineStart = index + 1
        }
        let lineEnd = bytes[start...].firstIndex(where: Ascii.isLineEnd) ?? bytes.count
        let scalars = Array(String(bytes: bytes[lineStart..<lineEnd]).unicodeScalars)
        let column = Self.scalars(bytes[lineStart..<start])
        self.line = line
        self.column = column + 1
        let from = max(0, min(column - Self.excerptLimit / 2, scalars.count - Self.excerptLimit))
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[from..<min(from + Self.excerptLimit, scalars.count)])
        excerpt = String(text)
        excerptColumn = column - from
    }

    /// The number of scalars: of bytes that do not continue one.
    private static func scalars(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(into: 0) { $0 += $1 & 0xC0 != 0x80 ? 1 : 0 }
    }
}

extension SchemaError {
    init(_ failure: ParseFailure, in bytes: [UInt8]) {
        self.init(
            failure.code,
            failure.reason,
            remedy: failure.remedy,
            place: Place(failure.range, in: bytes),
            exception: failure.exception,
            rule: failure.rule
        )
    }
}
