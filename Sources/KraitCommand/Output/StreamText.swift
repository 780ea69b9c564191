import KraitObservability
import KraitWire

/// Writes a stream as it comes.
///
/// A piece of text, by itself or as DSPy's streams have it (`{"field", "text", …}`), is written
/// plainly; where another field begins, a new paragraph does. What a program says about itself
/// (`{"status": text}`) goes to the errors. Any other chunk is a line of JSON.
final class StreamText: Sendable {
    private struct State {
        var field: String?
        /// Whether the text so far ends in the middle of a line.
        var isInLine = false
        var hasText = false
    }

    private let output: any TextSink
    private let errors: any TextSink
    /// Whether each chunk is a JSON document of its own.
    private let isJSON: Bool
    private let state = Lock(State())

    init(_ context: CommandContext, isJSON: Bool) {
        output = context.output
        errors = context.errors
        self.isJSON = isJSON
    }

    func write(_ chunk: Value) throws {
        if isJSON {
            try output.write(try Value.map(["chunk": chunk]).json() + "\n")
        } else if let text = chunk.string {
            try write(text, field: nil)
        } else if let text = chunk["text"]?.string, let field = chunk["field"]?.string {
            try write(text, field: field)
        } else if let status = chunk["status"]?.string {
            try endLine()
            try errors.write(status + "\n")
        } else {
            try endLine()
            try output.write(try chunk.json() + "\n")
        }
    }

    /// What comes after the last chunk; the text of a stream is its own end.
    func finish(_ answer: Value) throws {
        if isJSON {
            try output.write(try answer.json() + "\n")
            return
        }
        try endLine()
        let value = answer["value"] ?? .null
        let isTold = state.withLock { $0.hasText } || value == .null
        if !isTold { try output.write(try value.json() + "\n") }
    }

    func endLine() throws {
        let isInLine = state.withLock { state in
            defer { state.isInLine = false }
            return state.isInLine
        }
        if isInLine { try output.write("\n") }
    }

    private func write(_ text: String, field: String?) throws {
        let isNewField = state.withLock { state in
            defer { state.field = field }
            return state.hasText && state.field != field
        }
        if isNewField {
            try endLine()
            try output.write("\n")
        }
        try output.write(text)
        state.withLock { state in
            state.hasText = true
            if !text.isEmpty { state.isInLine = text.utf8.last != UInt8(ascii: "\n") }
        }
    }
}
