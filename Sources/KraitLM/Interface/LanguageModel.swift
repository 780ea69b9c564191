/// Something that completes conversations: a model behind an API, a gateway, a script in a test.
///
/// Cancelling the task ends the request, and the method throws `LMError` with `.cancelled`.
public protocol LanguageModel: Sendable {
    /// Asks for completions and waits for the whole answer.
    func complete(_ request: LMRequest) async throws(LMError) -> LMResponse

    /// Asks for one completion, which comes in pieces.
    ///
    /// The request is sent when the first piece is asked for. A model that cannot stream gives the
    /// whole answer as its only event.
    func stream(_ request: LMRequest) -> LMStream
}

extension LanguageModel {
    /// The whole answer as the only event.
    public func stream(_ request: LMRequest) -> LMStream {
        LMStream { () throws(LMError) in WholeAnswer(try await complete(request)) }
    }
}

/// A piece of a completion on its way.
public enum LMEvent: Sendable, Hashable {
    /// More of the text.
    case text(String)
    /// More of what the model thinks before it answers.
    case reasoning(String)
    /// More of a tool call: its place among the calls, and what is new of it.
    case toolCall(index: Int, id: String?, name: String?, arguments: String)
    /// The last event: the whole answer, as `complete` would have given it.
    case end(LMResponse)
}

/// A completion as it is made; one reader reads it, once.
///
/// Leaving the loop early, or cancelling its task, ends the request.
public struct LMStream: AsyncSequence, Sendable {
    /// A piece.
    public typealias Element = LMEvent
    /// Why there are no more.
    public typealias Failure = LMError

    private let begin: @Sendable () async throws(LMError) -> any LMEventSource

    /// A stream whose source is made when the first event is asked for.
    package init(
        begin: @escaping @Sendable () async throws(LMError) -> any LMEventSource
    ) {
        self.begin = begin
    }

    /// Asks for the events one after the other.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(begin: begin) }

    /// Gives the events in order; nil after `.end`, and after an error.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let begin: @Sendable () async throws(LMError) -> any LMEventSource
        private var source: (any LMEventSource)?
        private var isOver = false

        fileprivate init(
            begin: @escaping @Sendable () async throws(LMError) -> any LMEventSource
        ) {
            self.begin = begin
        }

        /// The next event.
        public mutating func next() async throws(LMError) -> LMEvent? {
            if isOver { return nil }
            do throws(LMError) {
                let source =
                    if let source { source } else { try await begin() }
                self.source = source
                guard let event = try await source.next() else {
                    isOver = true
                    return nil
                }
                if case .end = event { isOver = true }
                return event
            } catch {
                isOver = true
                throw error
            }
        }

        /// The next event and all that came with it; none where there are no more.
        package mutating func nextBatch() async throws(LMError) -> [LMEvent] {
            guard let first = try await next() else { return [] }
            let more = isOver ? [] : source?.ready() ?? []
            if case .end? = more.last { isOver = true }
            return [first] + more
        }
    }
}

/// Where a stream's events come from; its end of life ends the request.
package protocol LMEventSource: AnyObject {
    /// The next event, or nil where there are no more.
    func next() async throws(LMError) -> LMEvent?
    /// Takes the events that are there without a wait.
    func ready() -> [LMEvent]
}

extension LMEventSource {
    /// None.
    package func ready() -> [LMEvent] { [] }
}

/// An answer that is there already.
package final class WholeAnswer: LMEventSource {
    private var events: [LMEvent]

    package init(_ response: LMResponse) {
        events = [.end(response)]
        guard let completion = response.completions.first else { return }
        for (index, call) in completion.toolCalls.enumerated().reversed() {
            let event = LMEvent.toolCall(
                index: index,
                id: call.id,
                name: call.name,
                arguments: call.arguments
            )
            events.append(event)
        }
        if let text = completion.text { events.append(.text(text)) }
        if let reasoning = completion.reasoning { events.append(.reasoning(reasoning)) }
    }

    package func next() async throws(LMError) -> LMEvent? { events.popLast() }

    package func ready() -> [LMEvent] {
        defer { events = [] }
        return events.reversed()
    }
}
