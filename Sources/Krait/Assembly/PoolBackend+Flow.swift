import KraitLM
import KraitObservability
import KraitPooling
import KraitWire

/// Calls that stream or have tools.
extension PoolBackend {
    /// Makes such a call: its chunks go where its flow says, its tools run as child tasks of this
    /// task, and none of them outlives it.
    func exchange(
        _ call: Call,
        _ flow: any CallFlow,
        _ parcel: Parcel,
        _ traits: CallTraits,
        timeout: Duration
    ) async throws(CallError) -> ReceivedEnvelope {
        // Somebody between the caller and this backend makes the call once more.
        if flow.hasBegun {
            throw CallError(
                .invalidInput,
                "the caller has had a part of the call's stream, or its tools have run: it cannot "
                    + "be made again",
                pool: pool.name,
                delivery: .sent
            )
        }
        let desk = ToolDesk(flow, of: pool)
        guard traits.hasTools else {
            return try await pool.call(
                parcel.bytes,
                with: parcel.attachments,
                or: parcel.compressed,
                bare: parcel.bare,
                traits,
                timeout: timeout,
                inbox: desk
            )
        }
        let runner = ToolRunner(call, flow, self, timeout: timeout)
        return try await withDiscardingTaskGroup { group in
            let outcome = Lock<Result<ReceivedEnvelope, CallError>?>(nil)
            group.addTask {
                let result: Result<ReceivedEnvelope, CallError>
                do throws(CallError) {
                    let answer = try await pool.call(
                        parcel.bytes,
                        with: parcel.attachments,
                        or: parcel.compressed,
                        bare: parcel.bare,
                        traits,
                        timeout: timeout,
                        inbox: desk
                    )
                    result = .success(answer)
                } catch {
                    result = .failure(error)
                }
                outcome.withLock { $0 = result }
                desk.requests.close(discarding: true)
            }
            while let requests = await desk.requests.take() {
                for request in requests { group.addTask { await runner.serve(request) } }
            }
            // The call is over: nobody waits for what its tools still do.
            group.cancelAll()
            guard let result = outcome.withLock({ $0 }) else {
                preconditionFailure("the desk closes after the call")
            }
            return result
        }.get()
    }
}

/// Takes what comes before a call's end: chunks go on, tool calls wait to be served.
private final class ToolDesk: CallInbox {
    let requests = Mailbox<ReceivedEnvelope>()
    private let flow: any CallFlow
    private let pool: WorkerPool

    init(_ flow: any CallFlow, of pool: WorkerPool) {
        self.flow = flow
        self.pool = pool
    }

    func took(chunk: ReceivedEnvelope) {
        let id = CallID(rawValue: chunk.header.callID)
        flow.took(chunk: chunk) { [pool] credit in pool.give(credit, to: id) }
    }

    func took(toolCall: ReceivedEnvelope) { requests.put(toolCall) }
}

/// Runs the tools that one call asks for.
private struct ToolRunner: Sendable {
    private let operation: String
    private let session: String?
    private let deadline: ContinuousClock.Instant
    private let pools: [String]
    private let flow: any CallFlow
    private let backend: PoolBackend
    private let streams = WorkerStreams()

    init(_ call: Call, _ flow: any CallFlow, _ backend: PoolBackend, timeout: Duration) {
        operation = call.operation
        session = call.options.session ?? ToolContext.current?.session
        deadline = .now + timeout
        pools = (ToolContext.current?.pools ?? []) + [backend.pool.name]
        self.flow = flow
        self.backend = backend
    }

    /// Answers one request, with the tool's result or its failure.
    func serve(_ request: ReceivedEnvelope) async {
        let id = CallID(rawValue: request.header.callID)
        guard let parts = try? request.decodeBody(limit: backend.payloadLimit).list,
            parts.count == 2,
            let name = parts[0].string, let arguments = parts[1].map
        else { return backend.pool.refuseToolCall(of: id) }
        let answer: Value
        do throws(ToolError) {
            answer = [true, try await run(name, arguments)]
        } catch {
            answer = [false, ["type": .string(error.type), "message": .string(error.message)]]
        }
        self.answer(request, answer)
    }

    private func run(_ name: String, _ arguments: ValueMap) async throws(ToolError) -> Value {
        if let lm = backend.lm, name == LM.toolName {
            return await ToolContext.$current.withValue(context(of: name)) {
                await lm.answer(worker: arguments, streams)
            }
        }
        guard let tool = flow.tools.first(where: { $0.name == name }) else {
            let known = flow.tools.map(\.name).joined(separator: ", ")
            throw ToolError(
                ToolError.unknownTool,
                "there is no tool \(name.prefix(80)); the call's tools are \(known)"
            )
        }
        flow.toolBegins()
        do {
            return try await ToolContext.$current.withValue(context(of: name)) {
                try await tool.body(arguments)
            }
        } catch let error as ToolError {
            throw error
        } catch is CancellationError {
            throw ToolError(ToolError.cancelled, "the tool was cancelled")
        } catch {
            let text = (error as? CallError)?.description ?? "\(error)"
            throw ToolError("\(type(of: error))", text.limited(to: Limits.messageTextBytes))
        }
    }

    private func context(of tool: String) -> ToolContext {
        ToolContext(
            tool: tool,
            operation: operation,
            session: session,
            deadline: deadline,
            pools: pools
        )
    }

    private func answer(_ request: ReceivedEnvelope, _ answer: Value) {
        let header = request.header
        let codec = header.codec ?? .messagePack
        let id = CallID(rawValue: header.callID)
        do {
            let encoded = try codec.gatherEnvelope(
                .toolReply,
                callID: header.callID,
                number: header.number,
                answer
            )
            let beside = try backend.placed(encoded.attachments)
            backend.pool.answerTool(of: id, encoded.bytes, with: beside)
        } catch {
            // Says places and sizes and never values.
            let reason = (error as? CallError)?.message ?? "\(error)"
            let message = Value.string("what the tool gave cannot be sent: \(reason)")
            let type = Value.string(ToolError.unserialisable)
            let bytes = try? codec.encodeEnvelope(
                .toolReply,
                callID: header.callID,
                number: header.number,
                [false, ["type": type, "message": message]]
            )
            guard let bytes else { preconditionFailure("two short texts cannot be written") }
            backend.pool.answerTool(of: id, bytes)
        }
    }
}

extension String {
    /// The beginning that fits into so many bytes, whole characters only.
    fileprivate func limited(to most: Int) -> String {
        guard utf8.count > most else { return self }
        var text = Substring(self)
        while text.utf8.count > most - 3 { text = text.prefix(text.count * 3 / 4) }
        return text + "…"
    }
}
