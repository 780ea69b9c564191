import Glibc
import KraitWire

/// Arithmetic as in Python.
extension Item {
    func applying(
        _ operation: TemplateExpression.Arithmetic,
        _ other: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        if case .undefined(let missing) = self { throw missing.failure }
        if operation == .modulo, let format = string {
            let text = try PrintfFormat.format(format, with: other, &rendering)
            if case .markup = self {
                throw TemplateError(.unsupported, "% on escaped text is not supported")
            }
            return .text(text)
        }
        if case .undefined(let missing) = other { throw missing.failure }
        if let left = wholeNumber, let right = other.wholeNumber {
            return try Self.whole(operation, left, right)
        }
        if let left = number, let right = other.number {
            return .double(try Self.fraction(operation, left, right))
        }
        switch operation {
        case .add:
            if let result = try joined(with: other, &rendering) { return result }
        case .multiply:
            if let count = other.wholeNumber, let result = try repeated(count, &rendering) {
                return result
            }
            if let count = wholeNumber, let result = try other.repeated(count, &rendering) {
                return result
            }
        default: break
        }
        let kinds = "\(typeName) and \(other.typeName)"
        let remedy = operation == .add ? "; to join as text, write ~" : ""
        throw TemplateError(.value, "\(operation.rawValue) is not for \(kinds)\(remedy)")
    }

    private static func whole(
        _ operation: TemplateExpression.Arithmetic,
        _ left: Int128,
        _ right: Int128
    ) throws(TemplateError) -> Item {
        switch operation {
        case .add: return try .integer(left + right)
        case .subtract: return try .integer(left - right)
        case .multiply:
            let (product, isTooLarge) = left.multipliedReportingOverflow(by: right)
            return try .integer(isTooLarge ? .max : product)
        case .divide: return .double(try divided(Double(left), Double(right)))
        case .floorDivide:
            guard right != 0 else { throw zeroDivision }
            let quotient = left / right
            let isBelow = left % right != 0 && (left < 0) != (right < 0)
            return try .integer(isBelow ? quotient - 1 : quotient)
        case .modulo:
            guard right != 0 else { throw zeroDivision }
            let rest = left % right
            return try .integer(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest)
        case .power:
            guard right >= 0 else {
                guard left != 0 else { throw zeroDivision }
                return .double(pow(Double(left), Double(right)))
            }
            return try .integer(power(left, right))
        }
    }

    private static func power(_ base: Int128, _ exponent: Int128) -> Int128 {
        guard base.magnitude > 1 else {
            return exponent == 0 || base == 1 ? 1 : base == 0 ? 0 : exponent % 2 == 0 ? 1 : -1
        }
        guard exponent < 64 else { return exponent == 64 && base == 2 ? 1 << 64 : .max }
        var result: Int128 = 1
        for _ in 0..<Int(exponent) {
            let (product, isTooLarge) = result.multipliedReportingOverflow(by: base)
            if isTooLarge { return .max }
            result = product
        }
        return result
    }

    private static func fraction(
        _ operation: TemplateExpression.Arithmetic,
        _ left: Double,
        _ right: Double
    ) throws(TemplateError) -> Double {
        switch operation {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .divide: return try divided(left, right)
        case .floorDivide:
            guard right != 0 else { throw zeroDivision }
            return floorDivided(left, right).quotient
        case .modulo:
            guard right != 0 else { throw zeroDivision }
            return floorDivided(left, right).rest
        case .power:
            guard left != 0 || right >= 0 else { throw zeroDivision }
            guard left >= 0 || right == right.rounded() || !right.isFinite else {
                let reason = "a negative number to the power of a fraction is not supported"
                throw TemplateError(.unsupported, reason)
            }
            let result = pow(left, right)
            guard result.isFinite || !left.isFinite || !right.isFinite else {
                throw TemplateError(.value, "the result is too large for a float")
            }
            return result
        }
    }

    /// Quotient and rest as Python's floats have them: the rest has the divisor's sign.
    private static func floorDivided(
        _ left: Double,
        _ right: Double
    ) -> (quotient: Double, rest: Double) {
        var rest = fmod(left, right)
        var quotient = (left - rest) / right
        if rest != 0 {
            if (right < 0) != (rest < 0) {
                rest += right
                quotient -= 1
            }
        } else {
            rest = copysign(0, right)
        }
        guard quotient != 0 else { return (copysign(0, left / right), rest) }
        let floored = quotient.rounded(.down)
        return (quotient - floored > 0.5 ? floored + 1 : floored, rest)
    }

    private static func divided(_ left: Double, _ right: Double) throws(TemplateError) -> Double {
        guard right != 0 else { throw zeroDivision }
        return left / right
    }

    private static var zeroDivision: TemplateError {
        TemplateError(.value, "this divides by zero")
    }

    /// Texts, lists or tuples one behind the other; nil for anything else.
    private func joined(
        with other: Item,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        if let left = string, let right = other.string {
            try rendering.check(length: left.utf8.count + right.utf8.count)
            switch (self, other) {
            case (.text, .text): return .text(try rendering.made(left + right))
            case (.markup, .text):
                return .markup(try rendering.made(left + HTMLEscape.escape(right)))
            case (.text, .markup):
                return .markup(try rendering.made(HTMLEscape.escape(left) + right))
            default: return .markup(try rendering.made(left + right))
            }
        }
        if case .tuple(let left) = self, case .tuple(let right) = other {
            try rendering.spend(left.items.count + right.items.count)
            return .tuple(try Elements(left.items + right.items))
        }
        if let left = listItems, let right = other.listItems {
            try rendering.spend(left.count + right.count)
            return try .list(of: left + right)
        }
        return nil
    }

    private func repeated(
        _ count: Int128,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item? {
        let times = Int(clamping: max(0, count))
        if let string {
            let (length, isTooLong) = string.utf8.count.multipliedReportingOverflow(by: times)
            try rendering.check(length: isTooLong ? .max : length)
            let text = try rendering.made(String(repeating: string, count: length == 0 ? 0 : times))
            if case .markup = self { return .markup(text) }
            return .text(text)
        }
        let items: [Item]
        if case .tuple(let elements) = self {
            items = elements.items
        } else if let list = listItems {
            items = list
        } else {
            return nil
        }
        let (length, isTooLong) = items.count.multipliedReportingOverflow(by: times)
        try rendering.spend(isTooLong ? .max : length)
        let all = Array(repeatElement(items, count: length == 0 ? 0 : times).joined())
        if case .tuple = self { return .tuple(try Elements(all)) }
        return try .list(of: all)
    }

    func negated() throws(TemplateError) -> Item {
        if let whole = wholeNumber { return try .integer(-whole) }
        if case .double(let number) = self { return .double(-number) }
        if case .undefined(let missing) = self { throw missing.failure }
        throw TemplateError(.value, "- is not for \(typeName)")
    }

    func positive() throws(TemplateError) -> Item {
        if let whole = wholeNumber { return try .integer(whole) }
        if case .double = self { return self }
        if case .undefined(let missing) = self { throw missing.failure }
        throw TemplateError(.value, "+ is not for \(typeName)")
    }
}

/// What HTML writes otherwise.
enum HTMLEscape {
    static func escape(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: ">"): bytes.append(contentsOf: "&gt;".utf8)
            case UInt8(ascii: "<"): bytes.append(contentsOf: "&lt;".utf8)
            case .quote: bytes.append(contentsOf: "&#39;".utf8)
            case .doubleQuote: bytes.append(contentsOf: "&#34;".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
