/// Reads the envelopes of one message's first frame, in order.
///
/// Nothing is allocated or copied: bodies are ranges of the frame. After an error the frame's rest
/// cannot be trusted, as nothing says where the next envelope would begin.
package struct EnvelopeReader {
    private let frame: UnsafeRawBufferPointer
    private var offset = 0

    /// A reader of a frame that must outlive it.
    package init(_ frame: UnsafeRawBufferPointer) { self.frame = frame }

    /// The next envelope's header and where its body is in the frame; nil after the last one.
    ///
    /// A frame without any envelope is an error, as is one that ends within an envelope.
    package mutating func next()
        throws(WireError) -> (header: EnvelopeHeader, body: Range<Int>)?
    {
        if offset == frame.count && offset > 0 { return nil }
        guard frame.count <= Limits.messageBytes else { throw .messageTooLong(frame.count) }
        let header = try EnvelopeHeader(
            reading: UnsafeRawBufferPointer(rebasing: frame[offset...])
        )
        let start = offset + EnvelopeHeader.size
        let length = Int(header.bodyLength)
        guard frame.count - start >= length else {
            throw .truncatedBody(expected: length, found: frame.count - start)
        }
        offset = start + length
        return (header, start..<offset)
    }
}
