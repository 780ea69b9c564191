/// Bytes that somebody else owns and nobody changes, such as a received frame.
package protocol SharedBytes: AnyObject, Sendable {
    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

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

    package init(
        header: EnvelopeHeader,
        frame: any SharedBytes,
        body: Range<Int>,
        sender: String
    ) {
        self.header = header
        self.frame = frame
        self.body = body
        self.sender = sender
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
        return try withUnsafeBody { (bytes) throws(WireError) in try codec.decode(bytes) }
    }
}
