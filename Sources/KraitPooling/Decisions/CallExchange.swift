import KraitWire

/// What passes between a call and its caller before the call's end, as far as the pool decides on
/// it: a stream's credit and the numbers of its chunks, and the tool calls that are open.
package struct CallExchange: Equatable, Sendable {
    /// Whether chunks are expected, and then an end in place of a reply.
    let isStream: Bool
    let hasTools: Bool
    /// How much the worker may send before it is given more.
    private(set) var credit: Int
    /// How many chunks have come: the number of the next.
    private(set) var chunks: UInt32 = 0
    /// How many tools were called, and how many of those calls are not answered yet.
    private(set) var toolCalls: UInt32 = 0
    private(set) var openToolCalls = 0

    init(credit: Int, hasTools: Bool) {
        isStream = credit > 0
        self.hasTools = hasTools
        self.credit = credit
    }

    /// Of a call with these traits; nil where nothing passes before its end.
    init?(_ traits: CallTraits) {
        guard traits.credit > 0 || traits.hasTools else { return nil }
        self.init(credit: traits.credit, hasTools: traits.hasTools)
    }

    /// Whether the caller has had something of it: then it cannot be made again.
    var hasBegun: Bool { chunks > 0 || toolCalls > 0 }

    /// How much credit a chunk costs that has so many bytes, those beside its body included.
    package static func cost(ofBytes count: Int) -> Int { 1 + count / Limits.creditBytes }

    mutating func chunkCame(_ number: UInt32, bytes: Int) -> ExchangeViolation? {
        guard isStream else { return .noStream }
        guard number == chunks else { return .gap(expected: chunks, found: number) }
        guard credit > 0 else { return .overdrawn }
        credit -= Self.cost(ofBytes: bytes)
        chunks += 1
        return nil
    }

    mutating func toolWasCalled(_ number: UInt32) -> ExchangeViolation? {
        guard hasTools else { return .noTools }
        guard number == toolCalls else { return .gap(expected: toolCalls, found: number) }
        guard openToolCalls < Limits.toolCalls else { return .tooManyToolCalls }
        toolCalls += 1
        openToolCalls += 1
        return nil
    }

    /// A tool's result goes to the worker.
    mutating func toolAnswered() { openToolCalls -= 1 }

    /// The reader takes so much more.
    mutating func give(_ more: Int) { credit = min(credit + more, Limits.credit) }

    /// What is wrong with an end that says so many chunks came before it.
    func objection(toEndAfter count: UInt32) -> ExchangeViolation? {
        guard isStream else { return .noStream }
        return count == chunks ? nil : .gap(expected: chunks, found: count)
    }

    /// What is wrong with a reply.
    var objectionToReply: ExchangeViolation? { isStream ? .replyToStream : nil }
}

/// How a worker broke the protocol of streams and tools.
package enum ExchangeViolation: Equatable, Sendable, CustomStringConvertible {
    case gap(expected: UInt32, found: UInt32)
    case overdrawn
    case noStream
    case replyToStream
    case noTools
    case tooManyToolCalls
    case malformedToolCall
    /// It has no such call, or has no more: a chunk behind an end.
    case notItsCall

    package var description: String {
        switch self {
        case .gap(let expected, let found): "it sent number \(found) where \(expected) was next"
        case .overdrawn: "it sent a chunk without credit"
        case .noStream: "it streamed the answer of a call that is no stream"
        case .replyToStream: "it answered a stream by a plain reply"
        case .noTools: "it called a tool for a call that has none"
        case .tooManyToolCalls: "it called more than \(Limits.toolCalls) tools at once for a call"
        case .malformedToolCall: "its tool call was not a name and a map of arguments"
        case .notItsCall: "it sent a chunk or a tool call for a call that it had not, or no more"
        }
    }
}
