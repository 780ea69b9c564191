import KraitPipelines
import KraitWire

/// A piece of what a program of DSPy's says while it runs.
public enum PredictionChunk: Sendable, Equatable {
    /// A piece of the text of an output field; joined, the pieces of a field are its text.
    ///
    /// Where DSPy has to ask its model again, what was streamed of the first answer is replaced by
    /// the outputs at the end.
    case text(String, field: String)
    /// What the program is doing, in DSPy's words, such as `Calling tool search...`.
    case status(String)

    /// The chunk of a value; nil for one that is no chunk of DSPy's.
    init?(_ value: Value) {
        if let text = value["text"]?.string, let field = value["field"]?.string {
            self = .text(text, field: field)
        } else if let status = value["status"]?.string {
            self = .status(status)
        } else {
            return nil
        }
    }
}

/// A prediction that is told while it is made: pieces of text, and at the end typed outputs.
///
/// ```swift
/// let stream = krait.streamPrediction("question -> answer", ["question": "Why is the sky blue?"])
/// for try await case .text(let piece, _) in stream { print(piece, terminator: "") }
/// let outputs = try stream.output
/// ```
///
/// The call begins with the first chunk that is asked for; leaving the loop cancels it. It can be
/// read once. Native code that answers in Python's place streams nothing.
public struct PredictionStream<Output: Sendable>: AsyncSequence, Sendable {
    /// A piece of text, or what the program is doing.
    public typealias Element = PredictionChunk
    /// What a call fails with; it comes after the chunks that came before it.
    public typealias Failure = CallError

    private let stream: Result<ReplyStream, CallError>
    private let read: @Sendable (Reply) throws(CallError) -> Output

    init(
        _ stream: Result<ReplyStream, CallError>,
        _ read: @escaping @Sendable (Reply) throws(CallError) -> Output
    ) {
        self.stream = stream
        self.read = read
    }

    /// The outputs, once the stream has been read to its end.
    ///
    /// - Throws: `invalid_output` where they do not fit the signature, `invalid_input` before the
    ///   end.
    public var output: Output {
        get throws(CallError) {
            guard let reply = try stream.get().reply else {
                throw CallError(
                    .invalidInput,
                    "a stream has its output when it was read to its end"
                )
            }
            return try read(reply)
        }
    }

    /// Who answered, and DSPy's own reply with its usage, once the stream has ended well.
    public var reply: Reply? { (try? stream.get())?.reply }

    /// Runs the prediction to its end, for its outputs alone.
    public func finished() async throws(CallError) -> Output {
        var iterator = makeAsyncIterator()
        while try await iterator.next() != nil {}
        return try output
    }

    /// Begins to read; a second reader finds an error.
    public func makeAsyncIterator() -> ChunkIterator<PredictionChunk> {
        ChunkIterator(stream) { PredictionChunk($0) }
    }
}
