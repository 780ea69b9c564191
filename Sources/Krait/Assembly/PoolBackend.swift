import KraitLM
import KraitObservability
import KraitPooling
import KraitRouting
import KraitWire
import KraitWorkers

/// A pool as the router sees it: encodes calls, and decodes replies and faults, in the caller's
/// task.
struct PoolBackend: Backend {
    let pool: WorkerPool
    let codec: Codec
    let timeout: Duration
    /// Bytes a worker may write to, where that is limited.
    let memoryLimit: Int?
    var secrets = Secrets(in: [:])
    /// Shared memory for what is large; nil where the workers are not of this machine.
    var arena: Arena?
    /// How many bytes may go beside one call, and beside its answer.
    var payloadLimit = Defaults.payloadLimit
    /// When calls are compressed, for the workers that read them so.
    var compression: CompressionRule?
    /// What answers the workers' language model calls, where that is the host's business.
    var lm: LM?
    /// Whose calls go to the worker that has their session.
    var sessions: SessionBook?

    func call(_ call: Call) async throws(CallError) -> Reply {
        guard call.flow == nil, lm == nil, call.options.session == nil,
            ToolContext.current == nil
        else { return try await callWithin(call) }
        let parcel = try encode(call)
        let (attachments, compressed) = (parcel.attachments, parcel.compressed)
        // The pool gets the only reference, so that it can write into the bytes.
        let answer = try await pool.call(
            (consume parcel).bytes,
            with: attachments,
            or: compressed,
            CallTraits.of(call),
            timeout: call.options.timeout ?? timeout
        )
        return try decode(answer)
    }

    /// Answers a call that streams or has tools, is of a session, or is made from within a tool.
    // Not inlined, so that plain calls reserve no room for it.
    @inline(never)
    private func callWithin(_ call: Call) async throws(CallError) -> Reply {
        var call = call
        var timeout = call.options.timeout ?? timeout
        var traits = CallTraits.of(call)
        // One that is only inherited names what the call is about, and sends it nowhere.
        let session = call.options.session
        if let context = ToolContext.current {
            guard context.pools.count <= Limits.toolDepth else {
                throw CallError(
                    .invalidInput,
                    "calls are made from within tools \(Limits.toolDepth) deep: these tools call "
                        + "each other",
                    pool: pool.name
                )
            }
            if call.options.session == nil { call.options.session = context.session }
            if let deadline = context.deadline {
                timeout = min(timeout, max(.zero, ContinuousClock.now.duration(to: deadline)))
            }
            traits.isNested = context.pools.contains(pool.name)
        }
        if let sessions, let session,
            let reply = try await callInSession(session, call, traits, timeout, sessions)
        {
            return reply
        }
        return try await send(call, try encode(call), traits, timeout: timeout)
    }

    /// Sends a call that is ready, and reads its answer.
    func send(
        _ call: Call,
        _ parcel: Parcel,
        _ traits: CallTraits,
        timeout: Duration
    ) async throws(CallError) -> Reply {
        guard let flow = call.flow ?? (lm == nil ? nil : ToolsOnly([])) else {
            return try decode(
                try await pool.call(
                    parcel.bytes,
                    with: parcel.attachments,
                    or: parcel.compressed,
                    bare: parcel.bare,
                    traits,
                    timeout: timeout
                )
            )
        }
        var traits = traits
        traits.credit = flow.credit
        traits.hasTools = !flow.tools.isEmpty || lm != nil
        return try decode(try await exchange(call, flow, parcel, traits, timeout: timeout))
    }

    /// A call as it is sent.
    struct Parcel {
        var bytes: [UInt8]
        var attachments: [any SharedBytes] = []
        var compressed: CompressedEnvelope?
        /// What goes to a worker that has the session, where the call itself brings its state.
        var bare: BareCall?
    }

    func encode(_ call: Call, _ more: ValueMap = [:]) throws(CallError) -> Parcel {
        let codec = call.options.codec ?? codec
        var options = Self.wireOptions(call)
        for (name, value) in more.entries { options[name] = value }
        let encoded: EncodedBytes
        do throws(WireError) {
            encoded = try codec.gatherCall(
                operation: call.operation,
                arguments: call.arguments,
                options: options
            )
        } catch {
            throw CallError(
                .invalidInput,
                "the arguments cannot be sent: \(error)",
                pool: pool.name
            )
        }
        var parcel = Parcel(bytes: encoded.bytes)
        if !encoded.attachments.isEmpty { parcel.attachments = try placed(encoded.attachments) }
        // What lies in shared memory is quicker as it is.
        if let compression, parcel.attachments.isEmpty || arena == nil {
            parcel.compressed = compression.apply(to: parcel.bytes, with: parcel.attachments)
        }
        return parcel
    }

    /// What goes beside a call or a tool's reply, in the arena where there is room.
    ///
    /// In the caller's task: the copy is not to hold up the pools' thread.
    func placed(_ attachments: [Attachment]) throws(CallError) -> [any SharedBytes] {
        let size = attachments.reduce(0) { $0 + $1.storage.count }
        guard size <= payloadLimit else {
            throw CallError(
                .invalidInput,
                "there are \(size) bytes beside the call, where the pool takes at most "
                    + "\(payloadLimit); raise its payload_limit, or send a path in their place",
                pool: pool.name
            )
        }
        guard let arena else { return attachments.map(\.storage) }
        return attachments.map { arena.copy($0.storage) ?? $0.storage }
    }

    private static func wireOptions(_ call: Call) -> ValueMap {
        var wire: ValueMap = [:]
        if let flow = call.flow {
            if flow.credit > 0 { wire["stream"] = .int(Int64(flow.credit)) }
            if !flow.tools.isEmpty { wire["tools"] = .list(flow.tools.map(\.value)) }
        }
        if let session = call.options.session { wire["session"] = .string(session) }
        if let lm = call.options.lm { wire["lm"] = .map(lm) }
        return wire
    }

    private func decode(_ answer: ReceivedEnvelope) throws(CallError) -> Reply {
        guard answer.header.kind != .fault else { throw faultError(in: answer) }
        do throws(WireError) {
            return Reply(
                try answer.decodeBody(limit: payloadLimit),
                from: .pool(
                    pool.name,
                    worker: answer.sender,
                    codec: answer.header.codec ?? codec
                ),
                compression: answer.header.flags.compression
            )
        } catch {
            throw unreadable(answer, error)
        }
    }

    private func unreadable(_ answer: ReceivedEnvelope, _ error: WireError) -> CallError {
        CallError(
            .protocolViolation,
            "the worker's answer cannot be read: \(error)",
            pool: pool.name,
            worker: answer.sender,
            delivery: .sent
        )
    }

    /// What a fault means to the caller: most are the Python code's, some are Krait's own.
    private func faultError(in answer: ReceivedEnvelope) -> CallError {
        var fault: Fault
        do throws(WireError) {
            fault = try Fault(try answer.decodeBody())
            // An LM may quote the key it refuses, and a traceback may show it.
            fault.message = secrets.redacting(fault.message)
            fault.traceback = secrets.redacting(fault.traceback)
        } catch {
            return unreadable(answer, error)
        }
        return CallError(
            fault.callErrorCode,
            summary(of: fault),
            pool: pool.name,
            worker: answer.sender,
            fault: fault,
            delivery: .sent
        )
    }

    private func summary(of fault: Fault) -> String {
        // numpy's, too, ends so.
        guard fault.code == .raised, fault.type.hasSuffix("MemoryError"), let memoryLimit else {
            return fault.summary
        }
        return "the call wanted more memory than the pool's memory_limit leaves its worker "
            + "(\(memoryLimit >> 20) MiB in all); raise it, or give the call less to do"
    }
}

extension Fault {
    fileprivate var callErrorCode: CallError.Code {
        switch code {
        case .raised: .faulted
        case .unknownOperation: .unknownOperation
        case .invalidInput: .invalidInput
        case .unserialisable: .invalidOutput
        case .noSession: .unknownSession
        case .cancelled: .cancelled
        case .deadlineExceeded: .deadlineExceeded
        case .overloaded, .malformed: .protocolViolation
        case .importFailed, .setupFailed: .poolFailed
        }
    }

    /// What happened, without the exception's own text, which may hold parts of a payload.
    fileprivate var summary: String {
        switch code {
        case .raised: "the Python code raised; its message and traceback are in the fault"
        case .unknownOperation: "the pool's adapter has no such operation"
        case .invalidInput: "the worker refused the arguments; the fault says which and why"
        case .unserialisable: "the result holds what cannot be carried; the fault says where"
        case .cancelled: "the worker cancelled the call"
        case .deadlineExceeded: "the worker gave up at the deadline; give the call more time"
        case .noSession: "the worker does not have the session"
        case .overloaded: "the worker was sent more calls than it has slots"
        case .malformed: "the worker could not read the call"
        case .importFailed, .setupFailed: "the adapter could not be set up"
        }
    }
}
