extension Validation {
    mutating func text(_ value: PythonValue) -> PythonValue? {
        switch value {
        case .string: return value
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                let sentence =
                    "Input should be a valid string, unable to parse raw data as a unicode string"
                return misfit("string_unicode", sentence, value)
            }
            lower(to: .lax)
            return .string(text)
        default: return misfit("string_type", "Input should be a valid string", value)
        }
    }

    mutating func bytes(_ value: PythonValue) -> PythonValue? {
        switch value {
        case .bytes: return value
        case .string(let text):
            lower(to: .lax)
            return .bytes(Array(text.utf8))
        default: return misfit("bytes_type", "Input should be a valid bytes", value)
        }
    }

    // MARK: - Integers

    mutating func integer(_ value: PythonValue) -> PythonValue? {
        switch value {
        case .int, .largeInteger: return value
        case .bool(let flag):
            lower(to: .lax)
            return .int(flag ? 1 : 0)
        case .float(let number): return integer(number, value)
        case .string(let text): return integer(Array(text.utf8), value)
        case .bytes(let bytes): return integer(bytes, value)
        default: return misfit("int_type", "Input should be a valid integer", value)
        }
    }

    private mutating func integer(_ number: Double, _ value: PythonValue) -> PythonValue? {
        guard number.isFinite else {
            return misfit("finite_number", "Input should be a finite number", value)
        }
        guard number == number.rounded(.towardZero) else {
            return misfit(
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part",
                value
            )
        }
        guard let integer = Int64(exactly: number), integer != .min else {
            return tooLarge(value)
        }
        lower(to: .lax)
        return .int(integer)
    }

    private mutating func integer(_ text: [UInt8], _ value: PythonValue) -> PythonValue? {
        guard let digits = PythonNumber.integerDigits(text) else {
            return misfit(
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
                value
            )
        }
        let size = digits.first == "-" ? digits.utf8.count - 1 : digits.utf8.count
        guard size <= Lexer.digitLimit else { return tooLarge(value) }
        lower(to: .lax)
        return PythonValue(digits: digits)
    }

    mutating func tooLarge(_ value: PythonValue) -> PythonValue? {
        misfit(
            "int_parsing_size",
            "Unable to parse input string as an integer, exceeded maximum size",
            value
        )
    }

    // MARK: - Floats, bools, complex numbers

    mutating func number(_ value: PythonValue) -> PythonValue? {
        switch value {
        case .float: return value
        case .int(let integer):
            lower(to: .strict)
            return .float(Double(integer))
        case .largeInteger(let digits):
            guard let number = Double(digits), number.isFinite else { break }
            lower(to: .strict)
            return .float(number)
        case .bool(let flag):
            lower(to: .lax)
            return .float(flag ? 1 : 0)
        case .string(let text): return number(Array(text.utf8), value)
        case .bytes(let bytes): return number(bytes, value)
        default: break
        }
        return misfit("float_type", "Input should be a valid number", value)
    }

    private mutating func number(_ text: [UInt8], _ value: PythonValue) -> PythonValue? {
        guard let number = PythonNumber.number(text) else {
            return misfit(
                "float_parsing",
                "Input should be a valid number, unable to parse string as a number",
                value
            )
        }
        lower(to: .lax)
        return .float(number)
    }

    mutating func boolean(_ value: PythonValue) -> PythonValue? {
        let text: [UInt8]
        switch value {
        case .bool: return value
        case .int(let integer): text = integer == 0 ? [0x30] : integer == 1 ? [0x31] : []
        case .float(let number):
            guard let integer = Int64(exactly: number) else { fallthrough }
            text = integer == 0 ? [0x30] : integer == 1 ? [0x31] : []
        case .none, .largeInteger, .complex, .ellipsis, .list, .tuple, .set, .frozenset, .dict,
            .object:
            return misfit("bool_type", "Input should be a valid boolean", value)
        case .string(let string): text = Array(string.utf8)
        case .bytes(let bytes): text = bytes
        }
        let word = String(bytes: text.map { Ascii.isUpper($0) ? $0 | 0x20 : $0 })
        guard let flag = Self.words[word] else {
            return misfit(
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
                value
            )
        }
        lower(to: .lax)
        return .bool(flag)
    }

    private static let words: [String: Bool] = [
        "0": false, "f": false, "false": false, "n": false, "no": false, "off": false,
        "1": true, "t": true, "true": true, "y": true, "yes": true, "on": true,
    ]

    /// Text is delegated where it may be a number: Python's `complex(…)` has a grammar of its own.
    mutating func complex(_ value: PythonValue) throws(ValueFailure) -> PythonValue? {
        var real = 0.0
        switch value {
        case .complex: return value
        case .int(let integer): real = Double(integer)
        case .largeInteger(let digits): real = Double(digits) ?? .infinity
        case .float(let number): real = number
        case .bool(let flag): real = flag ? 1 : 0
        case .string(let text):
            let mayBeNumber = text.unicodeScalars.contains {
                $0.properties.numericType != nil || "jJnN".unicodeScalars.contains($0)
            }
            if mayBeNumber { throw .delegated(.coercion) }
            return notComplex(value)
        case .object: throw .delegated(.coercion)
        default: return notComplex(value)
        }
        guard real.isFinite || !Self.isInteger(value) else { throw .delegated(.coercion) }
        lower(to: .lax)
        return .complex(real: real, imaginary: 0)
    }

    private static func isInteger(_ value: PythonValue) -> Bool {
        if case .largeInteger = value { true } else { false }
    }

    private mutating func notComplex(_ value: PythonValue) -> PythonValue? {
        misfit(
            "complex_type",
            "Input should be a valid python complex object, a number, or a valid complex string "
                + "following the rules at "
                + "https://docs.python.org/3/library/functions.html#complex",
            value
        )
    }
}
