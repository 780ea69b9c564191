/// An envelope as it arrived: its header, and its body as a part of the frame that brought it.
///
/// Copying it copies no bytes; the frame lives as long as an envelope of it does.
package struct ReceivedEnvelope: Sendable {
    package let header: EnvelopeHeader
    package let frame: any SharedBytes
    /// Where in the frame the body is.
    package let body: Range<Int>
    /// Who sent it, for messages to people.
    package let sender: String
    /// Nearly all have nothing beside them, and are copied a few times on their way.
    private var beside: Beside?

    private final class Beside: Sendable {
        let attachments: [any SharedBytes]
        let failure: WireError?

        init(_ attachments: [any SharedBytes], _ failure: WireError?) {
            self.attachments = attachments
            self.failure = failure
        }
    }

    /// What came beside it, in the order in which the body names them.
    package var attachments: [any SharedBytes] {
        get { beside?.attachments ?? [] }
        set { beside = Beside(newValue, failure) }
    }

    /// Why what came beside it cannot be had, though the envelope itself is sound.
    package var failure: WireError? {
        get { beside?.failure }
        set { beside = Beside(attachments, newValue) }
    }

    package init(
        header: EnvelopeHeader,
        frame: any SharedBytes,
        body: Range<Int>,
        attachments: [any SharedBytes] = [],
        sender: String
    ) {
        self.header = header
        self.frame = frame
        self.body = body
        self.sender = sender
        beside = attachments.isEmpty ? nil : Beside(attachments, nil)
    }

    /// How many bytes it is, what came beside it included.
    package var size: Int { attachments.reduce(body.count) { $0 + $1.count } }

    package func withUnsafeBody<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try frame.withUnsafeBytes { (bytes) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[self.body]))
        }
    }

    /// Reads the body in the codec its header names; an empty body is null.
    ///
    /// `limit` is how many bytes what comes beside it may have when it is raw.
    package func decodeBody(
        limit: Int = Limits.attachmentBytes
    ) throws(WireError) -> Value {
        guard let codec = header.codec else { return .null }
        if let failure { throw failure }
        guard let compression = header.flags.compression else {
            return try withUnsafeBody { (bytes) throws(WireError) in
                try codec.decode(bytes, attachments: attachments)
            }
        }
        let raw = try compression.read(BytesSlice(frame, body), limit: Limits.bodyBytes)
        var left = limit
        var beside: [any SharedBytes] = []
        for attachment in attachments {
            let part = BytesSlice(attachment, 0..<attachment.count)
            let raw = try compression.read(part, limit: left)
            left -= raw.count
            beside.append(SlicedBytes(raw))
        }
        return try raw.withUnsafeBytes { (bytes) throws(WireError) in
            try codec.decode(bytes, attachments: beside)
        }
    }
}
