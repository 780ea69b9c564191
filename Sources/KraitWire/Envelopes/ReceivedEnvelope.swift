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
        if !attachments.isEmpty { beside = Beside(attachments, nil) }
    }

    package func withUnsafeBody<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try frame.withUnsafeBytes { (bytes) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[self.body]))
        }
    }

    /// Reads the body in the codec its header names; an empty body is null.
    package func decodeBody() throws(WireError) -> Value {
        guard let codec = header.codec else { return .null }
        if let failure { throw failure }
        return try withUnsafeBody { (bytes) throws(WireError) in
            try codec.decode(bytes, attachments: attachments)
        }
    }
}
