/// What an envelope is.
///
/// The raw value is the header's byte; *Worker protocol* has the table.
package enum EnvelopeKind: UInt8, Sendable, Hashable, CaseIterable {
    case hello = 1
    case ready = 2
    case call = 3
    case reply = 4
    case fault = 5
    case chunk = 6
    case end = 7
    case credit = 8
    case cancel = 9
    case heartbeat = 10
    case toolCall = 11
    case toolReply = 12
    case drain = 14
    case goodbye = 15
}

extension EnvelopeKind {
    /// The name as the fixtures and the Python side spell it.
    package var name: String {
        switch self {
        case .toolCall: "tool_call"
        case .toolReply: "tool_reply"
        default: "\(self)"
        }
    }
}
