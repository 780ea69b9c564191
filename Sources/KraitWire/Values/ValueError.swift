/// Why a text or a Swift type is no value, or a value not what it should be.
///
/// `description` names the place and the kinds of things, and never holds what is in them.
public struct ValueError: Error, Sendable, Hashable {
    /// The place in the value, such as `rows[3].id`; empty for the whole.
    public let path: String
    /// What is wrong there.
    public let reason: String

    init(path: [CodingFailure.Step], reason: String) {
        self.path = CodingFailure.path(of: path)
        self.reason = reason
    }

    init(_ error: WireError) {
        switch error {
        case .malformedBody(let path, let reason), .unserialisable(let path, let reason):
            (self.path, self.reason) = (path, reason)
        default:
            (path, reason) = ("", error.description)
        }
    }
}

extension ValueError: CustomStringConvertible {
    /// The place and what is wrong there.
    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
