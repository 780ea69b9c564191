import Glibc
import KraitLM
import KraitObservability
import KraitWire

/// Answers requests with what the daemon's core says.
struct ControlService: Sendable {
    let core: any DaemonCore
    let record: DaemonRecord
    /// Begins the end of the daemon; true for at once.
    let stop: @Sendable (_ now: Bool) async -> Void
    var events = EventSink.none
    /// Whose daemon this is.
    var user = geteuid()

    /// The lines' handler for a server with this limit.
    func handler(lineBytes: Int) -> LineServer.Handler {
        let tooLong = ControlFailure.malformed("a line may have at most \(lineBytes) bytes")
        return LineServer.Handler(
            refusal: { refusal(of: $0) },
            reader: { replies in
                let session = ControlSession(self, replies, lineBytes: lineBytes)
                return { session.read($0) }
            },
            answerToTooLong: ControlReply(id: .null, .failure(tooLong)).line
        )
    }

    /// Why a peer is not served, as a line; nil for the daemon's own user and root.
    private func refusal(of peer: SocketPeer?) -> [UInt8]? {
        if let peer, peer.mayCommand(daemonOf: user) { return nil }
        let who = peer.map { "user \($0.user), process \($0.pid)" } ?? "a process nobody knows"
        events.emit(.controlRefused, metadata: [.reason: "\(who)"])
        let failure = ControlFailure.forbidden("only user \(user) and root may command this daemon")
        return ControlReply(id: .null, .failure(failure)).line
    }

    /// Does what a request asks for, and gives its answer.
    ///
    /// - Parameter send: takes the chunks of a stream, in their order.
    func perform(
        _ request: ControlRequest,
        send: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) async throws(ControlFailure) -> Value {
        switch request {
        case .ping:
            return ping
        case .status:
            return await core.status()
        case .explain(let operation):
            do {
                return try await core.explain(operation: operation)
            } catch let error as CallError {
                throw ControlFailure(error)
            } catch {
                throw .failed("\(error)")
            }
        case .lm(let grouping, let last):
            return await core.lm(by: grouping, last: last)
        case .steer(let request):
            return try await answer { () async throws(CallError) in try await core.steer(request) }
        case .pipelines(let plan):
            return try await answer { () async throws(CallError) in
                try await core.pipelines(plan: plan)
            }
        case .runs(let number):
            return try await answer { () async throws(CallError) in
                try await core.runs(number: number)
            }
        case .sessions(let id, let pool):
            return try await answer { () async throws(CallError) in
                try await core.sessions(id: id, pool: pool)
            }
        case .run(let request):
            return try await core.runPipeline(request, request.isStreaming ? send : nil)
        case .stop(let now):
            await stop(now)
            return ping
        case .call(let call):
            let began = ContinuousClock.now
            return try await answer { () async throws(CallError) in
                let reply = try await core.call(call)
                return reply.control(seconds: began.duration(to: .now) / .seconds(1))
            }
        case .stream(let call):
            let began = ContinuousClock.now
            let reply = try await core.stream(call, send)
            return reply.control(seconds: began.duration(to: .now) / .seconds(1))
        case .cancel:
            // A session knows what runs; whoever has none has nothing to cancel.
            return ["cancelled": 0]
        }
    }

    private func answer(
        _ body: () async throws(CallError) -> Value
    ) async throws(ControlFailure) -> Value {
        do throws(CallError) {
            return try await body()
        } catch {
            throw ControlFailure(error)
        }
    }

    private var ping: Value {
        guard case .map(var map) = record.value else { return record.value }
        map["protocol"] = .int(Int64(ControlRequest.protocolVersion))
        return .map(map)
    }
}
