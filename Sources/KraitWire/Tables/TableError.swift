/// Why bytes are no table or tensor, or values do not make one.
///
/// Names the place and what is wrong there, and never holds what is in a cell.
public struct TableError: Error, Sendable, Hashable {
    /// What sort of wrong it is.
    public enum Kind: String, Sendable, Hashable {
        /// The bytes are not what they claim to be.
        case malformed
        /// A feature of Arrow that Krait does not carry; the reason names it and a way around.
        case unsupported
        /// More than a limit allows.
        case tooLarge
        /// Parts that do not fit each other: types, lengths, names.
        case mismatched
    }

    /// What sort of wrong it is.
    public let kind: Kind
    /// The place, such as `batch 2, column "id"`; empty for the whole.
    public let place: String
    /// What is wrong there.
    public let reason: String

    init(_ kind: Kind, _ place: String, _ reason: String) {
        (self.kind, self.place, self.reason) = (kind, place, reason)
    }

    static func malformed(_ place: String, _ reason: String) -> TableError {
        TableError(.malformed, place, reason)
    }

    static func unsupported(_ place: String, _ reason: String) -> TableError {
        TableError(.unsupported, place, reason)
    }

    static func tooLarge(_ place: String, _ reason: String) -> TableError {
        TableError(.tooLarge, place, reason)
    }

    static func mismatched(_ place: String, _ reason: String) -> TableError {
        TableError(.mismatched, place, reason)
    }

    /// The same error, of a place within another.
    func inside(_ outer: @autoclosure () -> String) -> TableError {
        TableError(kind, place.isEmpty ? outer() : "\(outer()), \(place)", reason)
    }
}

extension TableError: CustomStringConvertible {
    /// The place and what is wrong there.
    public var description: String { place.isEmpty ? reason : "\(place): \(reason)" }
}
