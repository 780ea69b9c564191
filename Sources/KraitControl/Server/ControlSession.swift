import KraitObservability
import KraitWire

/// One client's requests: read in their order, answered in any.
struct ControlSession: Sendable {
    typealias Outcome = Result<Value, ControlFailure>

    let service: ControlService
    let replies: LineReplies
    let lineBytes: Int
    private let running = RunningRequests()

    init(_ service: ControlService, _ replies: LineReplies, lineBytes: Int) {
        self.service = service
        self.replies = replies
        self.lineBytes = lineBytes
    }

    /// Reads a line, so that those after it find its request; gives what answers it.
    func read(_ line: [UInt8]) -> LineServer.Handler.Work {
        let value: Value
        do throws(WireError) {
            value = try readJSON(line)
        } catch {
            return answered(.null, .failure(.malformed("the line is not JSON: \(error)")))
        }
        let id = value["id"] ?? .null
        do throws(ControlFailure) {
            return begin(try ControlRequest(value), id: id)
        } catch {
            return answered(id, .failure(error))
        }
    }

    private func begin(_ request: ControlRequest, id: Value) -> LineServer.Handler.Work {
        switch request {
        case .cancel(let other):
            let count = running.cancel(other)
            return answered(id, .success(["cancelled": .int(Int64(count))]))
        case .call, .stream, .run:
            let entry = running.begin(id)
            return {
                defer { running.end(entry) }
                return line(id, await cancellable(by: entry) { await result(of: request, id: id) })
            }
        default:
            return { line(id, await result(of: request, id: id)) }
        }
    }

    private func result(
        of request: ControlRequest,
        id: Value
    ) async -> Outcome {
        do throws(ControlFailure) {
            return .success(
                try await service.perform(request) { chunk throws(ControlFailure) in
                    try await send(chunk, id: id)
                }
            )
        } catch {
            return .failure(error)
        }
    }

    /// Sends a chunk of a stream; waits while the client does not read.
    private func send(_ chunk: Value, id: Value) async throws(ControlFailure) {
        let line: [UInt8]
        do {
            line = Array(try Value.map(["id": id, "chunk": chunk]).json().utf8)
        } catch {
            throw .failed("a chunk cannot be written as JSON: \(error)")
        }
        guard line.count <= lineBytes else {
            throw .failed("a chunk has \(line.count) bytes, and a line may have \(lineBytes)")
        }
        do throws(CancellationError) {
            try await replies.send(line)
        } catch {
            throw ControlFailure(CallError(.cancelled, "the client has cancelled it, or has gone"))
        }
    }

    private func answered(
        _ id: Value,
        _ result: Outcome
    ) -> LineServer.Handler.Work {
        let answer = line(id, result)
        return { answer }
    }

    private func line(_ id: Value, _ result: Outcome) -> [UInt8] {
        let answer = ControlReply(id: id, result).line
        guard answer.count > lineBytes else { return answer }
        let failure = ControlFailure.failed(
            "the answer has \(answer.count) bytes, and a line may have \(lineBytes)"
        )
        return ControlReply(id: id, .failure(failure)).line
    }
}

/// Runs a body that is cancelled with its task, or when its entry is.
private func cancellable(
    by entry: RunningRequests.Entry,
    _ body: @escaping @Sendable () async -> ControlSession.Outcome
) async -> ControlSession.Outcome {
    await withTaskGroup(of: ControlSession.Outcome?.self) { group in
        group.addTask { await body() }
        group.addTask {
            for await _ in entry.cancellation {}
            return nil
        }
        // Whichever ends first ends the other; the body gives an outcome in any case.
        var outcome: ControlSession.Outcome?
        for await next in group {
            outcome = next ?? outcome
            group.cancelAll()
        }
        return outcome ?? .failure(.failed("it ended without an answer"))
    }
}

/// The calls and streams of one client that are not answered yet, by their ids.
final class RunningRequests: Sendable {
    struct Entry: Sendable {
        fileprivate let key: String
        fileprivate let number: Int
        let cancellation: AsyncStream<Void>
    }

    private struct State {
        var running: [String: [Int: AsyncStream<Void>.Continuation]] = [:]
        var next = 0
    }

    /// Bounded by the lines of a client that are under way.
    private let state = Lock(State())

    func begin(_ id: Value) -> Entry {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let key = Self.key(id)
        let number = state.withLock { state in
            state.next += 1
            state.running[key, default: [:]][state.next] = continuation
            return state.next
        }
        return Entry(key: key, number: number, cancellation: stream)
    }

    func end(_ entry: Entry) {
        state.withLock { state in
            state.running[entry.key]?[entry.number] = nil
            if state.running[entry.key]?.isEmpty == true { state.running[entry.key] = nil }
        }
    }

    /// Cancels what runs under an id; says how many requests that were.
    func cancel(_ id: Value) -> Int {
        let found = state.withLock { Array(($0.running[Self.key(id)] ?? [:]).values) }
        for continuation in found { continuation.finish() }
        return found.count
    }

    private static func key(_ id: Value) -> String { (try? id.json()) ?? "" }
}
