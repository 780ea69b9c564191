import KraitPipelines
import KraitPooling
import KraitSignatures
import KraitWire

/// Programs of DSPy's that remember what they have learnt and answered.
///
/// What a session knows outlives its worker, and the daemon where that keeps it.
///
/// ```swift
/// let chat = try await krait.beginSession(
///     "ann-7",
///     programs: ["answer": .chainOfThought("question, past: dspy.History -> answer")]
/// )
/// let first = try await chat.run("answer", ["question": "What do snakes smell with?"])
/// let second = try await chat.run("answer", ["question": "And why?"])   // knows the first
/// ```
///
/// A session is a name and nothing that must be closed: another process' handle of the same name is
/// as good. Its calls may be made at once, from any task; *Sessions* says what is exact, and what
/// is lost when.
public struct Session: Sendable {
    /// Its name.
    public let id: String
    /// Whoever calls in it; a session that a caller has begun is his alone.
    public let caller: String?
    let krait: Orchestrator
    var checkOutNumber: UInt64?

    init(_ id: String, _ krait: Orchestrator, caller: String?) {
        self.id = id
        self.krait = krait
        self.caller = caller
    }

    // MARK: Calls

    /// Runs one of the session's programs, and gives its outputs by name.
    ///
    /// An input of the type `dspy.History` that is not given is the program's own history.
    ///
    /// - Throws: `unknown_session`, `session_taken`; `invalid_input` for a program that it does not
    ///   have and inputs that do not fit; whatever a call throws. A call that fails changes nothing
    ///   the session knows.
    public func run(
        _ program: String,
        _ inputs: ValueMap,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> ValueMap {
        let reply = try await krait.call(call(.run, program, .map(inputs), options))
        return try Self.outputs(of: reply)
    }

    /// Runs one of the session's programs that was begun with this signature.
    public func run<S: Signature>(
        _ program: String,
        _ signature: S.Type,
        _ input: S.Input,
        options: CallOptions = CallOptions()
    ) async throws(CallError) -> S.Output {
        let prediction = Prediction<S.Input, S.Output>("predict", signature, on: nil)
        let context = RunContext(krait, options: options)
        let inputs = try prediction.call(for: input, in: context).arguments["inputs"] ?? [:]
        let reply = try await krait.call(call(.run, program, inputs, options))
        return try prediction.output(of: reply)
    }

    /// Runs one of the session's programs, and streams the outputs while the model writes them.
    ///
    /// - Parameter fields: the output fields to stream; nil those of text.
    public func stream(
        _ program: String,
        _ inputs: ValueMap,
        fields: [String]? = nil,
        options: CallOptions = CallOptions()
    ) -> PredictionStream<ValueMap> {
        var call = call(.run, program, .map(inputs), options)
        call.arguments["stream_fields"] = fields.map { .list($0.map(Value.string)) }
        return PredictionStream(.success(krait.stream(call))) { reply throws(CallError) in
            try Self.outputs(of: reply)
        }
    }

    /// Gives a program a state as DSPy saves it, such as what an optimizer has made of it.
    ///
    /// An LM within it is left out: where requests go is the pool's and the call's to say.
    ///
    /// - Throws: `invalid_input` with the place that does not fit, and the DSPy that was asked.
    public func load(_ program: String, state: Value) async throws(CallError) {
        var call = call(.load, program, nil, CallOptions())
        call.arguments["state"] = state
        _ = try await krait.call(call)
    }

    // MARK: The session itself

    /// Saves what the session knows now; it is written when this returns.
    ///
    /// With the usual policy each answer has done so already, but for the last milliseconds.
    ///
    /// - Throws: `session_store` where it cannot be written.
    @discardableResult
    public func checkpoint() async throws(CallError) -> SessionStatus {
        _ = try await krait.call(call(.checkpoint, nil, nil, CallOptions()))
        return try await status()
    }

    /// What is known of it.
    public func status() async throws(CallError) -> SessionStatus {
        let found = await krait.sessions().first { $0.id == id }
        guard let found else { throw krait.book.unknown(id) }
        return found
    }

    /// Ends the session: what it knew is gone, here and in the file.
    public func end() async throws(CallError) {
        _ = try await krait.call(call(.end, nil, nil, CallOptions()))
    }

    /// Has the session to itself while `body` runs: other calls of it are refused meanwhile.
    ///
    /// - Parameter body: is given the session as only it may use it.
    /// - Throws: `session_taken` where somebody else has it, or calls are under way, and what
    ///   `body` throws. The session is given back in any case.
    public func checkOut<Result: Sendable>(
        _ body: @Sendable (Session) async throws -> Result
    ) async throws -> Result {
        let checkOut = try krait.book.checkOut(id, owner: caller ?? "")
        defer { krait.book.checkIn(id, checkOut) }
        var mine = self
        mine.checkOutNumber = checkOut.number
        return try await body(mine)
    }

    private enum Operation: String {
        case run, load, checkpoint, end
    }

    private func call(
        _ operation: Operation,
        _ program: String?,
        _ inputs: Value?,
        _ options: CallOptions
    ) -> Call {
        var options = options
        options.session = id
        options.caller = caller ?? options.caller
        options.checkOut = checkOutNumber
        var arguments: ValueMap = [:]
        arguments["program"] = program.map(Value.string)
        arguments["inputs"] = inputs
        return Call("session_\(operation.rawValue)", arguments, options: options)
    }

    private static func outputs(of reply: Reply) throws(CallError) -> ValueMap {
        guard let outputs = reply.value["outputs"]?.map else {
            throw CallError(
                .invalidOutput,
                "the worker's answer has no outputs",
                delivery: .sent
            )
        }
        return outputs
    }
}
