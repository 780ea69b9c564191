/// Why bytes are not a message of the protocol, or a value cannot become one.
package enum WireError: Error, Hashable, Sendable {
    case truncatedHeader(length: Int)
    case truncatedBody(expected: Int, found: Int)
    case wrongMagic
    case wrongVersion(UInt8)
    case unknownKind(UInt8)
    case unknownFlags(UInt8)
    case unknownCodec(UInt8)
    /// A body beyond the limit; of one that was never written, an estimate from above.
    case bodyTooLong(Int)
    case messageTooLong(Int)
    case tooManyAttachments(Int)
    /// A message has other frames than its envelopes' headers say.
    case wrongAttachments(announced: Int, found: Int)
    /// A lease that stands for nothing, or no longer does.
    case staleLease(String)
    /// A body is not what its codec or kind says; `path` names the place in it.
    case malformedBody(path: String, reason: String)
    /// A value that no body can carry; `path` names the place in it.
    case unserialisable(path: String, reason: String)

    /// The case's name, as the fixtures and the Python side spell it.
    package var name: String {
        switch self {
        case .truncatedHeader: "truncated_header"
        case .truncatedBody: "truncated_body"
        case .wrongMagic: "wrong_magic"
        case .wrongVersion: "wrong_version"
        case .unknownKind: "unknown_kind"
        case .unknownFlags: "unknown_flags"
        case .unknownCodec: "unknown_codec"
        case .bodyTooLong: "body_too_long"
        case .messageTooLong: "message_too_long"
        case .tooManyAttachments: "too_many_attachments"
        case .wrongAttachments: "wrong_attachments"
        case .staleLease: "stale_lease"
        case .malformedBody: "malformed_body"
        case .unserialisable: "unserialisable"
        }
    }
}

extension WireError: CustomStringConvertible {
    /// What is wrong, and where.
    ///
    /// Holds keys of maps but never a value.
    package var description: String {
        switch self {
        case .truncatedHeader(let length):
            "an envelope's header has \(EnvelopeHeader.size) bytes, not \(length)"
        case .truncatedBody(let expected, let found):
            "an envelope's body has \(found) of its \(expected) bytes"
        case .wrongMagic: "an envelope does not begin with 'KR'"
        case .wrongVersion(let version):
            "an envelope of version \(version), where this side speaks \(EnvelopeHeader.version)"
        case .unknownKind(let kind): "an envelope of the unknown kind \(kind)"
        case .unknownFlags(let flags): "an envelope with the unknown flags \(flags)"
        case .unknownCodec(let codec): "an envelope with the unknown codec \(codec)"
        case .bodyTooLong(let length):
            "a body of \(length) bytes, where at most \(Limits.bodyBytes) are allowed"
        case .messageTooLong(let length):
            "a message of \(length) bytes, where at most \(Limits.messageBytes) are allowed"
        case .tooManyAttachments(let count):
            "\(count) attachments, where at most \(Limits.attachments) are allowed"
        case .wrongAttachments(let announced, let found):
            "\(found) attachments, where its envelopes announce \(announced)"
        case .staleLease(let reason): "a lease of shared memory is not good: \(reason)"
        case .malformedBody(let path, let reason):
            path.isEmpty ? "a malformed body: \(reason)" : "a malformed body at \(path): \(reason)"
        case .unserialisable(let path, let reason):
            path.isEmpty ? "cannot be carried: \(reason)" : "\(path) cannot be carried: \(reason)"
        }
    }
}
