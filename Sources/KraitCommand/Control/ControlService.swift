import KraitObservability
import KraitWire

/// Answers requests with what the daemon's core says.
struct ControlService: Sendable {
    let core: any DaemonCore
    let record: DaemonRecord
    /// Begins the end of the daemon; true for at once.
    let stop: @Sendable (_ now: Bool) async -> Void

    /// The lines' handler for a server with this limit.
    func handler(lineBytes: Int) -> LineServer.Handler {
        let tooLong = ControlFailure.malformed("a line may have at most \(lineBytes) bytes")
        return LineServer.Handler(
            answer: { await answer($0, lineBytes: lineBytes) },
            answerToTooLong: ControlReply(id: .null, .failure(tooLong)).line
        )
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
        let failure = ControlFailure(
            code: "failed",
            message: "the answer has \(answer.count) bytes, and a line may have \(lineBytes)"
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
                throw ControlFailure(code: "failed", message: "\(error)")
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
