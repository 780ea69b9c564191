import Krait
import KraitControl

/// A form that a setting's text can have: how it is read, written, and named to a person.
///
/// The command line and the configuration file share these, so that `30s` means the same in both.
struct TextForm<Value: Sendable>: Sendable {
    /// What the form is called, such as `duration (500ms, 30s, 2m, 1h)`.
    let name: String
    let read: @Sendable (String) throws(TextProblem) -> Value
    /// The text that reads back as the value.
    let write: @Sendable (Value) -> String
}

/// Why a text does not have the form it should: a sentence part that follows the setting's name.
struct TextProblem: Error, Equatable {
    /// Such as `must be an integer from 1 to 1024, not "many"`.
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

extension TextForm where Value == String {
    /// Any text that is not empty.
    static let text = TextForm(
        name: "text",
        read: { text throws(TextProblem) in
            guard !text.isEmpty else { throw TextProblem("must not be empty") }
            return text
        },
        write: { $0 }
    )

    /// The name of an environment variable, as opposed to the secret it may hold.
    ///
    /// The problem does not quote the text: whoever mistakes this for the key's own place has put
    /// a secret there.
    static let variableName = TextForm(
        name: "name of an environment variable",
        read: { text throws(TextProblem) in
            let isName = text.utf8.enumerated().allSatisfy { offset, byte in
                byte.isASCIILetter || byte == UInt8(ascii: "_") || (offset > 0 && byte.isASCIIDigit)
            }
            guard isName, !text.isEmpty else {
                throw TextProblem(
                    "must be the name of an environment variable, such as OPENAI_API_KEY, "
                        + "not a key itself"
                )
            }
            return text
        },
        write: { $0 }
    )

    /// A name that can be part of a path and of a worker's routing id.
    static let identifier = TextForm(
        name: "name (letters, digits, `-`, `_` and `.`, at most 64)",
        read: { text throws(TextProblem) in
            let allowed = text.utf8.enumerated().allSatisfy { offset, byte in
                byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "_")
                    || (offset > 0 && (byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")))
            }
            guard allowed, !text.isEmpty, text.utf8.count <= 64 else {
                throw TextProblem(
                    "must be 1 to 64 letters, digits, `-`, `_` or `.`, and begin with none of "
                        + "`-` and `.`, not \(quoted(text))"
                )
            }
            return text
        },
        write: { $0 }
    )
}

extension TextForm where Value == Int {
    /// A decimal integer within a range.
    static func integer(_ range: ClosedRange<Int>) -> TextForm {
        let form = "integer from \(range.lowerBound) to \(range.upperBound)"
        return TextForm(
            name: form,
            read: { text throws(TextProblem) in
                guard let number = Int(text), range.contains(number) else {
                    throw TextProblem("must be an \(form), not \(quoted(text))")
                }
                return number
            },
            write: { String($0) }
        )
    }
}

extension TextForm where Value == Bool {
    /// `true` or `false`, and none of YAML's other words for them.
    static let boolean = TextForm(
        name: "true or false",
        read: { text throws(TextProblem) in
            switch text {
            case "true": return true
            case "false": return false
            default: throw TextProblem("must be true or false, not \(quoted(text))")
            }
        },
        write: { String($0) }
    )
}

extension TextForm where Value == Double {
    /// A finite number within a range.
    static func number(_ range: ClosedRange<Double>) -> TextForm {
        let form = "number from \(range.lowerBound) to \(range.upperBound)"
        return TextForm(
            name: form,
            read: { text throws(TextProblem) in
                guard let number = Double(text), range.contains(number) else {
                    throw TextProblem("must be a \(form), not \(quoted(text))")
                }
                return number
            },
            write: { String($0) }
        )
    }
}

extension TextForm {
    /// One of a few names.
    static func choice(_ choices: [(name: String, value: Value)]) -> TextForm
    where Value: Equatable {
        let names = choices.map(\.name)
        return TextForm(
            name: names.joined(separator: ", "),
            read: { text throws(TextProblem) in
                if let choice = choices.first(where: { $0.name == text }) { return choice.value }
                let near = NearestName.find(text, among: names)
                let hint = near.map { "; did you mean \($0)?" } ?? ""
                throw TextProblem(
                    "must be one of \(names.joined(separator: ", ")), not \(quoted(text))\(hint)"
                )
            },
            write: { value in choices.first { $0.value == value }?.name ?? "" }
        )
    }
}

extension UInt8 {
    var isASCIILetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
    var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
