import KraitObservability
import KraitPipelines
import KraitWire
import Testing

/// A caller that answers by a closure.
struct Script: Caller {
    var answer: @Sendable (Call) async throws(CallError) -> Reply
    var knows: @Sendable (String) -> Bool = { _ in true }

    func call(_ call: Call) async throws(CallError) -> Reply { try await answer(call) }

    func check(_ operation: String, options: CallOptions) throws(CallError) {
        if !knows(operation) { throw CallError(.unknownOperation, "unknown", operation: operation) }
    }

    /// Fails a test that calls where nothing should.
    static let silent = Script { call throws(CallError) in
        Issue.record("\(call.operation) was called")
        throw CallError(.unknownOperation, "nobody answers")
    }
}

/// A step that calls an operation with its input and gives back the reply's text.
struct Ask: Step {
    var operation: String
    var name: String { "Ask(\(operation))" }

    func run(_ input: String, in context: RunContext) async throws(CallError) -> String {
        let call = Call(operation, ["text": .string(input)], options: context.options)
        return try await context.call(call).value.string ?? ""
    }

    func validate(in context: RunContext) throws(CallError) {
        try context.caller.check(operation, options: context.options)
    }
}

/// A count that tasks go up and down, and its highest value.
final class Gauge: Sendable {
    private let counts = Lock((current: 0, peak: 0))

    var peak: Int { counts.withLock { $0.peak } }

    func enter() {
        counts.withLock { counts in
            counts.current += 1
            counts.peak = max(counts.peak, counts.current)
        }
    }

    func leave() { counts.withLock { $0.current -= 1 } }
}

/// Waits until the task is cancelled, and says so by throwing.
func waitForCancellation() async throws -> Never {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    for await _ in stream {}
    continuation.finish()
    throw CancellationError()
}

/// Numbers from 1, for any number of tasks.
final class Counter: Sendable {
    private let count = Lock(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// The calls that a script was asked, in their order.
final class Calls: Sendable {
    private let calls = Lock<[Call]>([])

    var all: [Call] { calls.withLock { $0 } }

    /// Adds a call and gives its number, from 1.
    func add(_ call: Call) -> Int {
        calls.withLock { calls in
            calls.append(call)
            return calls.count
        }
    }
}
