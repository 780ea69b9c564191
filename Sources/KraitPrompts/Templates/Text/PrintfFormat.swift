import Glibc

/// `format % values`, as Python has it.
enum PrintfFormat {
    private struct Directive {
        var name: String?
        var flags: Set<UInt8> = []
        var width: Int?
        var precision: Int?
        var letter: UInt8 = 0
    }

    static func format(
        _ format: String,
        with values: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        let bytes = Array(format.utf8)
        var result: [UInt8] = []
        var arguments: [Item]
        if case .tuple(let elements) = values {
            arguments = elements.items
        } else {
            arguments = [values]
        }
        arguments.reverse()
        var index = 0
        var isNamed = false
        while index < bytes.count {
            guard bytes[index] == .percent else {
                result.append(bytes[index])
                index += 1
                continue
            }
            index += 1
            let directive = try directive(bytes, &index, &arguments)
            if directive.letter == .percent {
                result.append(.percent)
                continue
            }
            let item: Item
            if let name = directive.name {
                isNamed = true
                item = try values.element(.text(name), &rendering)
                if case .undefined(let missing) = item { throw missing.failure }
            } else {
                item = try next(&arguments)
            }
            let text = try self.text(item, directive, &rendering)
            result += Array(text.utf8)
            try rendering.check(length: result.count)
        }
        // Python takes a list for a map here, and does not ask whether all of it was used.
        let takesNames = values.mapPairsExist || values.listItems != nil || values.isUndefined
        guard arguments.isEmpty || isNamed || takesNames else {
            throw TemplateError(.value, "there are more values than % directives in the text")
        }
        return try rendering.text(result)
    }

    private static func next(_ arguments: inout [Item]) throws(TemplateError) -> Item {
        guard let item = arguments.popLast() else {
            throw TemplateError(.value, "there are fewer values than % directives in the text")
        }
        return item
    }

    private static func directive(
        _ bytes: [UInt8],
        _ index: inout Int,
        _ arguments: inout [Item]
    ) throws(TemplateError) -> Directive {
        var directive = Directive()
        if index < bytes.count, bytes[index] == .openParenthesis {
            guard let end = bytes[index...].firstIndex(of: .closeParenthesis) else {
                throw TemplateError(.value, "a % directive's name has no end")
            }
            directive.name = String(decoding: bytes[(index + 1)..<end], as: UTF8.self)
            index = end + 1
        }
        while index < bytes.count, "#0- +".utf8.contains(bytes[index]) {
            directive.flags.insert(bytes[index])
            index += 1
        }
        func number() throws(TemplateError) -> Int? {
            if index < bytes.count, bytes[index] == UInt8(ascii: "*") {
                index += 1
                return try StringMethods.integer(next(&arguments), "a % directive's width")
            }
            var value: Int?
            while index < bytes.count, TemplateScanner.isDigit(bytes[index]) {
                let digit = Int(bytes[index] - 0x30)
                value = min((value ?? 0) * 10 + digit, 1 << 30)
                index += 1
            }
            return value
        }
        directive.width = try number()
        if let width = directive.width, width < 0 {
            directive.width = -width
            directive.flags.insert(.minus)
        }
        if index < bytes.count, bytes[index] == .dot {
            index += 1
            directive.precision = max(0, try number() ?? 0)
        }
        while index < bytes.count, "hlL".utf8.contains(bytes[index]) { index += 1 }
        guard index < bytes.count else { throw TemplateError(.value, "a % directive has no end") }
        directive.letter = bytes[index]
        index += 1
        return directive
    }

    private static func text(
        _ item: Item,
        _ directive: Directive,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        var body: String
        var isNumber = true
        switch directive.letter {
        case UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "a"):
            body =
                directive.letter == UInt8(ascii: "s")
                ? try item.printed(&rendering) : try item.representation(&rendering)
            if directive.letter == UInt8(ascii: "a") {
                throw TemplateError(.unsupported, "%a is not supported; write %r")
            }
            if let precision = directive.precision {
                body = String(String.UnicodeScalarView(body.unicodeScalars.prefix(precision)))
            }
            isNumber = false
        case UInt8(ascii: "c"):
            if let text = item.string, text.unicodeScalars.count == 1 {
                body = text
            } else if let code = item.wholeNumber, let scalar = UInt32(exactly: code),
                let found = Unicode.Scalar(scalar)
            {
                body = String(found)
            } else {
                throw TemplateError(.value, "%c wants one character")
            }
            isNumber = false
        case UInt8(ascii: "d"), UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "x"),
            UInt8(ascii: "X"), UInt8(ascii: "o"):
            body = try whole(item, directive)
        case UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "e"), UInt8(ascii: "E"),
            UInt8(ascii: "g"), UInt8(ascii: "G"):
            body = try float(item, directive)
        default:
            let letter = Character(Unicode.Scalar(directive.letter))
            throw TemplateError(
                .value,
                "%\(letter) is no directive; there are %s, %d, %f and others"
            )
        }
        return try aligned(body, directive, isNumber: isNumber, &rendering)
    }

    private static func aligned(
        _ body: String,
        _ directive: Directive,
        isNumber: Bool,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> String {
        let length = body.unicodeScalars.count
        guard let width = directive.width, width > length else { return body }
        try rendering.check(length: width)
        if directive.flags.contains(.minus) {
            return body + String(repeating: " ", count: width - length)
        }
        let isFinite = body.utf8.contains(where: TemplateScanner.isDigit)
        if isNumber, isFinite, directive.flags.contains(0x30) {
            var sign = body.utf8.prefix { "+- ".utf8.contains($0) }.count
            if directive.flags.contains(.hash), "xXo".utf8.contains(directive.letter) { sign += 2 }
            let zeros = String(repeating: "0", count: width - length)
            return String(body.prefix(sign)) + zeros + String(body.dropFirst(sign))
        }
        return String(repeating: " ", count: width - length) + body
    }

    private static func sign(_ isNegative: Bool, _ directive: Directive) -> String {
        if isNegative { return "-" }
        if directive.flags.contains(.plus) { return "+" }
        return directive.flags.contains(0x20) ? " " : ""
    }

    private static func whole(_ item: Item, _ directive: Directive) throws(TemplateError) -> String
    {
        let isDecimal = "diu".utf8.contains(directive.letter)
        var number = item.wholeNumber
        if number == nil, isDecimal, case .double(let float) = item {
            number = Int128(exactly: float.rounded(.towardZero))
        }
        guard let number else {
            if case .undefined(let missing) = item { throw missing.failure }
            let letter = Character(Unicode.Scalar(directive.letter))
            throw TemplateError(.value, "%\(letter) is for numbers, not \(item.typeName)")
        }
        let radix =
            isDecimal ? 10 : directive.letter == UInt8(ascii: "o") ? 8 : 16
        let isUpper = directive.letter == UInt8(ascii: "X")
        var digits = String(number.magnitude, radix: radix, uppercase: isUpper)
        if let precision = directive.precision, digits.utf8.count < precision {
            guard precision < 1 << 16 else {
                throw TemplateError(.limit, "the precision is too large")
            }
            digits = String(repeating: "0", count: precision - digits.utf8.count) + digits
        }
        if directive.flags.contains(.hash), !isDecimal {
            digits = "0\(Character(Unicode.Scalar(directive.letter)))" + digits
        }
        return sign(number < 0, directive) + digits
    }

    private static func float(_ item: Item, _ directive: Directive) throws(TemplateError) -> String
    {
        guard let number = item.number else {
            if case .undefined(let missing) = item { throw missing.failure }
            throw TemplateError(.value, "% is for numbers there, not \(item.typeName)")
        }
        let isUpper = directive.letter & 0x20 == 0
        let isNegative = number.sign == .minus && !number.isNaN
        guard number.isFinite else {
            let name = number.isNaN ? "nan" : "inf"
            return sign(isNegative, directive) + (isUpper ? TextCase.upper(name) : name)
        }
        let precision = directive.precision ?? 6
        guard precision <= 512 else { throw TemplateError(.limit, "the precision is too large") }
        let letter = Character(Unicode.Scalar(directive.letter))
        let alternate = directive.flags.contains(.hash) ? "#" : ""
        let text = printed("%\(alternate).*\(letter)", precision, number.magnitude)
        return sign(isNegative, directive) + text
    }

    /// `%.{places}f`.
    static func fixed(_ number: Double, _ places: Int) -> String { printed("%.*f", places, number) }

    private static func printed(_ format: String, _ precision: Int, _ number: Double) -> String {
        let arguments: [any CVarArg] = [Int32(clamping: precision), number]
        return withVaList(arguments) { list in
            var buffer = [CChar](repeating: 0, count: 1_024)
            let count = Int(vsnprintf(&buffer, buffer.count, format, list))
            let bytes = buffer.prefix(min(count, buffer.count - 1)).map { UInt8(bitPattern: $0) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
