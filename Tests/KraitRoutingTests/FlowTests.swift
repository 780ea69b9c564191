import KraitObservability
import KraitRouting
import KraitWire
import Testing

@testable import KraitRouting

/// Streams on their way through middlewares and fallbacks.
@Suite(.timeLimit(.minutes(1))) struct FlowTests {
    /// What a reader has been handed so far.
    private final class Reader: CallFlow {
        let credit = 4
        let tools: [HostTool] = []
        private let numbers = Lock<[UInt32]>([])

        var taken: [UInt32] { numbers.withLock { $0 } }
        var hasBegun: Bool { !taken.isEmpty }

        func took(chunk: ReceivedEnvelope, give: @escaping @Sendable (Int) -> Void) {
            numbers.withLock { $0.append(chunk.header.number) }
        }
        func toolBegins() {}
    }

    /// Streams so many chunks, and then ends or fails.
    private struct Streaming: Backend {
        var name: String
        var chunks: UInt32
        var error: CallError?

        func call(_ call: Call) async throws(CallError) -> Reply {
            for number in 0..<chunks {
                let bytes = EnvelopeHeader.bodyless(.chunk, number: number)
                let chunk = ReceivedEnvelope(
                    header: EnvelopeHeader(.chunk, remaining: number),
                    frame: ArrayBytes(bytes),
                    body: EnvelopeHeader.size..<bytes.count,
                    sender: name
                )
                call.flow?.took(chunk: chunk) { _ in }
            }
            if let error { throw error }
            let value: Value = ["arguments": .map(call.arguments)]
            return Reply(value, from: .pool(name, worker: name, codec: .json))
        }
    }

    /// Adds an argument.
    private struct Adding: Middleware {
        func intercept(
            _ call: Call,
            next: (Call) async throws(CallError) -> Reply
        ) async throws(CallError) -> Reply {
            var call = call
            call.arguments["added"] = true
            return try await next(call)
        }
    }

    private func stream(
        _ chunks: UInt32,
        _ error: CallError?
    ) async throws -> (Reader, Result<Reply, CallError>) {
        let router = Router(
            registry: try Registry(
                natives: [],
                pools: [
                    Registry.Pool(
                        "large",
                        operations: ["count"],
                        backend: Streaming(name: "large", chunks: chunks, error: error)
                    ),
                    Registry.Pool(
                        "small",
                        operations: ["count"],
                        backend: Streaming(name: "small", chunks: 3)
                    ),
                ]
            ),
            middlewares: [Adding()],
            fallbacks: FallbackChains(["count": [.pool("small")]])
        )
        let reader = Reader()
        var call = Call("count", ["n": 3], options: CallOptions(isIdempotent: true))
        call.flow = reader
        do throws(CallError) {
            return (reader, .success(try await router.call(call)))
        } catch {
            return (reader, .failure(error))
        }
    }

    @Test func `chunks pass the middlewares, which see the call`() async throws {
        let (reader, result) = try await stream(2, nil)
        #expect(reader.taken == [0, 1])
        #expect(try result.get().value["arguments"] == ["n": 3, "added": true])
    }

    @Test func `a stream that has not begun is made elsewhere, once`() async throws {
        let (reader, result) = try await stream(0, CallError(.poolFailed, "for the test"))
        #expect(reader.taken == [0, 1, 2])
        #expect(try result.get().source == .pool("small", worker: "small", codec: .json))
    }

    @Test func `one of which the reader has had a chunk fails, and no chunk comes twice`()
        async throws
    {
        let error = CallError(.workerCrashed, "for the test", delivery: .sent)
        let (reader, result) = try await stream(2, error)
        #expect(reader.taken == [0, 1])
        #expect(throws: CallError.self) { try result.get() }
    }
}
