import Foundation
import KraitWire

extension PythonValue {
    /// Whether Python's `==` holds: numbers by what they are worth (`1 == 1.0 == True`).
    ///
    /// Text is compared by its scalars, dicts and sets in any order.
    package func equals(_ other: PythonValue) -> Bool {
        switch (self, other) {
        case (.none, .none), (.ellipsis, .ellipsis): return true
        case (.string(let left), .string(let right)): return ExactText.isSame(left, right)
        case (.bytes(let left), .bytes(let right)): return left == right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
        case (.set(let left), .set(let right)), (.frozenset(let left), .frozenset(let right)),
            (.set(let left), .frozenset(let right)), (.frozenset(let left), .set(let right)):
            return Set(left.compactMap(PythonKey.init)) == Set(right.compactMap(PythonKey.init))
        case (.dict(let left), .dict(let right)):
            return left.count == right.count
                && left.entries.allSatisfy { right[$0.key]?.equals($0.value) ?? false }
        case (.object(let left), .object(let right)):
            return left.className == right.className
                && left.representation.utf8.elementsEqual(right.representation.utf8)
        default:
            guard isNumber, other.isNumber else { return false }
            return PythonKey(self) == PythonKey(other)
        }
    }

    /// Whether both are the same value of the same class, entries in the same order.
    ///
    /// Stricter than Python's `==`: `1` is not `1.0`, and a NaN is itself. Sets have no order.
    package func isIdentical(to other: PythonValue) -> Bool {
        switch (self, other) {
        case (.bool(let left), .bool(let right)): return left == right
        case (.int(let left), .int(let right)): return left == right
        case (.largeInteger(let left), .largeInteger(let right)): return left == right
        case (.float(let left), .float(let right)):
            return left.bitPattern == right.bitPattern || left.isNaN && right.isNaN
        case (.complex(let left, let leftPart), .complex(let right, let rightPart)):
            return left == right && leftPart == rightPart
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            return left.count == right.count
                && zip(left, right).allSatisfy { $0.isIdentical(to: $1) }
        case (.set(let left), .set(let right)), (.frozenset(let left), .frozenset(let right)):
            return left.count == right.count
                && left.allSatisfy { item in right.contains { item.isIdentical(to: $0) } }
        case (.dict(let left), .dict(let right)):
            return left.count == right.count
                && zip(left.entries, right.entries).allSatisfy {
                    $0.key.isIdentical(to: $1.key) && $0.value.isIdentical(to: $1.value)
                }
        default: return !isNumber && !other.isNumber && equals(other)
        }
    }

    private var isNumber: Bool {
        switch self {
        case .bool, .int, .largeInteger, .float, .complex: true
        default: false
        }
    }

    /// All digits of a float without a fraction.
    static func integerDigits(_ value: Double) -> String { String(format: "%.0f", value) }
}
