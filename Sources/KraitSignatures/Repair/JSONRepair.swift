// What this folder offers:
//
//     JSONRepair.loads(_:)   json_repair's loads, as DSPy calls it: text to a PythonValue
//
// It throws `ValueFailure`: `.raised` is what json_repair raises, `.delegated` says by which rule
// only Python can answer.

/// json_repair 0.64.5: JSON as language models write it, read as what they meant.
///
/// Its outcome is a matter of many small rules about what stands where, which these files follow
/// one by one; the order in which they are asked decides, so it is kept. Text is scanned scalar by
/// scalar, as Python indexes it.
package enum JSONRepair {
    /// `json_repair.loads(text)`: strict JSON as it is, anything else repaired; an empty string
    /// where there is nothing to repair.
    ///
    /// Bounded: O(n) for strict JSON; a repair that needs more steps than a fixed number per scalar
    /// (nested lookahead is what costs) is delegated, as is deep nesting.
    package static func loads(_ text: String) throws(ValueFailure) -> PythonValue {
        let bytes = Array(text.utf8)
        if let value = try JSONText.read(bytes) { return value }
        guard mayHoldValue(bytes) else { return .string("") }
        var parser = RepairParser(Array(text.unicodeScalars))
        return try parser.parseAll()
    }

    /// Whether any rule may find a value: without an opening bracket or a closing brace none does.
    ///
    /// Many comments are left to the parser, as they end Python's recursion.
    private static func mayHoldValue(_ bytes: [UInt8]) -> Bool {
        var comments = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "("), UInt8(ascii: "}"):
                return true
            case UInt8(ascii: "#"), UInt8(ascii: "/"): comments += 1
            default: break
            }
        }
        return comments > RepairParser.commentLimit
    }
}
