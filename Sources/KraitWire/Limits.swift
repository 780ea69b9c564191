/// The bounds of *Worker protocol*; the Python side has the same in `limits.py`.
package enum Limits {
    package static let bodyBytes = 64 << 20
    package static let messageBytes = 256 << 20
    package static let attachments = 1_024
    /// How many bytes the attachments of one envelope may be set to have.
    package static let attachmentBytes = 64 << 30
    /// How many bytes a value of bytes may have before they go beside the body.
    package static let inlineBytes = 64 << 10
    /// From how many bytes on an envelope is compressed where that is agreed, as
    /// `krait bench codecs` has measured it.
    package static let compressedBytes = 16 << 10
    /// How many of the latest runs of pipelines a daemon keeps, and how many steps of each.
    package static let keptRuns = 100
    package static let keptSteps = 500
    /// How deep lists and maps may be nested.
    package static let nesting = 128
    /// Names and other texts that programs read: of workers, operations, versions, exceptions.
    package static let nameBytes = 256
    /// An operation's documentation.
    package static let docBytes = 4 << 10
    /// How many operations a worker may have.
    package static let operations = 1_024
    /// How many calls at once a worker may take.
    package static let slots = 4_096
    /// How many running calls a heartbeat names.
    package static let runningCalls = 64
    /// How many protocol versions a hello names.
    package static let versions = 16
    package static let tracebackBytes = 16 << 10
    package static let messageTextBytes = 4 << 10
    /// How many envelopes a sender puts into one message.
    package static let envelopesPerMessage = 32
    /// From how many bytes on a message with several envelopes is closed.
    package static let batchBytes = 64 << 10
    /// The credit a stream may hold: chunks that may be sent before more is given.
    package static let credit = 1 << 16
    /// Of how many bytes of a chunk's body each costs one credit more.
    package static let creditBytes = 16 << 10
    /// The tools a call may have.
    package static let tools = 128
    /// How many tool calls a call may await at once.
    package static let toolCalls = 64
    /// How deep calls may be made from within tools.
    package static let toolDepth = 8
    /// What a compressed part holds at most when it is raw; LZ4 takes hardly more at once.
    package static let partBytes = 1 << 30
    /// How many columns a table has, those within others included.
    package static let tableFields = 16_384
    /// How deep columns of a table may lie within each other.
    package static let tableNesting = 32
    package static let tableRows = 1 << 31
    /// How many dimensions a tensor has.
    package static let tensorDimensions = 32
}
