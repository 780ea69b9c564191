import Glibc
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
            answer: { await answer($0, lineBytes: lineBytes) },
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

    private func answer(_ line: [UInt8], lineBytes: Int) async -> [UInt8] {
        let value: Value
        do throws(WireError) {
            value = try readJSON(line)
        } catch {
            let failure = ControlFailure.malformed("the line is not JSON: \(error)")
            return ControlReply(id: .null, .failure(failure)).line
        }
        let id = value["id"] ?? .null
        let answer = ControlReply(id: id, await result(value)).line
        guard answer.count > lineBytes else { return answer }
        let failure = ControlFailure.failed(
            "the answer has \(answer.count) bytes, and a line may have \(lineBytes)"
        )
        return ControlReply(id: id, .failure(failure)).line
    }

    private func result(_ value: Value) async -> Result<Value, ControlFailure> {
        do throws(ControlFailure) {
            return .success(try await perform(ControlRequest(value)))
        } catch {
            return .failure(error)
        }
    }

    private func perform(_ request: ControlRequest) async throws(ControlFailure) -> Value {
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
        case .steer(let request):
            do throws(CallError) {
                return try await core.steer(request)
            } catch {
                throw ControlFailure(error)
            }
        case .stop(let now):
            await stop(now)
            return ping
        case .call(let call):
            let began = ContinuousClock.now
            do throws(CallError) {
                let reply = try await core.call(call)
                return reply.control(seconds: began.duration(to: .now) / .seconds(1))
            } catch {
                throw ControlFailure(error)
            }
        }
    }

    private var ping: Value {
        guard case .map(var map) = record.value else { return record.value }
        map["protocol"] = .int(Int64(ControlRequest.protocolVersion))
        return .map(map)
    }
}
