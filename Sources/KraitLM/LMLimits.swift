/// The bounds of what this target holds and takes.
package enum LMLimits {
    /// Open connections to one host: beyond, requests wait for one.
    package static let connectionsPerHost = 1_024
    /// Handles that are kept for the next requests.
    package static let idleHandles = 256
    /// The bytes of an answer; a stream's too.
    package static let answerBytes = 32 << 20
    /// The bytes of an answer that is an error: what is kept of it is less.
    package static let errorBytes = 1 << 20
    /// What is kept of the text an API sends with an error.
    package static let detailBytes = 1 << 10
    /// The bytes of one event of a stream.
    package static let eventBytes = 4 << 20
    /// The completions of one request.
    package static let completions = 64
    /// The tool calls of one completion.
    package static let toolCalls = 1_024
    /// The texts of one request for embeddings, as OpenAI's API has it.
    package static let embeddingBatch = 2_048
    /// The requests for embeddings that one call has under way.
    package static let embeddingRequests = 4
    /// The streams that one worker's call reads at once.
    package static let workerStreams = 64
    /// The longest wait before the next try, whatever an API asks for: a longer one is an error.
    package static let longestWait = Duration.seconds(60)
}
