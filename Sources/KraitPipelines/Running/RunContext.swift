import KraitRouting
import KraitWire

/// What a step needs of the run it is part of: who answers calls, where it stands, until when.
public struct RunContext: Sendable {
    private let run: Run
    /// Where in its pipeline the step stands; nil before the run has begun.
    let place: Place?
    /// When nobody waits for the step any more; calls are given what is left until then.
    public private(set) var deadline: ContinuousClock.Instant?
    /// What was wrong with earlier answers, for steps that ask again: see `Validate`.
    public private(set) var feedback: [String] = []
    /// Whether what the step streams is what the whole run streams.
    private var isLast = true

    /// What is the same for all steps of a run.
    private final class Run: Sendable {
        let caller: any Caller
        let options: CallOptions
        let trace: Trace?
        let listener: RunListener
        let pause: @Sendable (Duration) async throws -> Void
        /// Tells the runs apart in the ledger of language models.
        let id = String(UInt32.random(in: 0 ... .max), radix: 16)

        init(
            _ caller: any Caller,
            _ options: CallOptions,
            _ trace: Trace?,
            _ listener: RunListener,
            _ pause: @escaping @Sendable (Duration) async throws -> Void
        ) {
            self.caller = caller
            self.options = options
            self.trace = trace
            self.listener = listener
            self.pause = pause
        }
    }

    /// The context of a run that has not begun.
    public init(
        _ caller: any Caller,
        options: CallOptions = CallOptions(),
        trace: Trace? = nil,
        listener: RunListener = RunListener()
    ) {
        self.init(caller, options: options, trace: trace, listener: listener) { time in
            try await Task.sleep(for: time)
        }
    }

    /// - Parameter pause: how a run waits, for tests that have a clock of their own.
    package init(
        _ caller: any Caller,
        options: CallOptions = CallOptions(),
        trace: Trace? = nil,
        listener: RunListener = RunListener(),
        pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        run = Run(caller, options, trace, listener, pause)
        place = nil
    }

    private init(_ outer: RunContext, at place: Place) {
        run = outer.run
        self.place = place
        deadline = outer.deadline
        feedback = outer.feedback
        isLast = outer.isLast
    }

    /// Who answers the steps' calls.
    public var caller: any Caller { run.caller }
    /// What every call of the run starts from; a step lays its own route over it.
    public var options: CallOptions { run.options }
    /// Where the run is recorded; nil records nothing and reads no clock.
    public var trace: Trace? { run.trace }

    /// The steps down to this one, such as `["support", "3 ChainOfThought(Triage)"]`.
    public var path: [String] { place?.path ?? [] }

    /// The same run, one step further in.
    func entering(_ label: String) -> RunContext {
        RunContext(self, at: Place(label: label, within: place))
    }

    /// The same step, of which something comes after this: what it streams is nobody's.
    var notLast: RunContext {
        var context = self
        context.isLast = false
        return context
    }

    /// The same step, told what was wrong with the answer before.
    func asking(again feedback: [String]) -> RunContext {
        var context = self
        context.feedback += feedback
        return context
    }

    /// The same step with less time: an earlier deadline stays.
    func ending(by deadline: ContinuousClock.Instant) -> RunContext {
        var context = self
        context.deadline = min(self.deadline ?? deadline, deadline)
        return context
    }

    /// Waits, unless the run's time would be over by then.
    ///
    /// - Returns: whether it has waited.
    func pause(for time: Duration) async throws(CallError) -> Bool {
        if let deadline, ContinuousClock.now + time >= deadline { return false }
        do {
            try await run.pause(time)
            return true
        } catch {
            throw .raised(by: error, in: "A pause")
        }
    }

    /// Makes a call for the step that this context was given to, and records its way.
    ///
    /// It has no longer than the run has. Where the step is its pipeline's last and somebody
    /// listens, what the call streams is passed on.
    public func call(_ call: Call) async throws(CallError) -> Reply {
        let call = try timed(call)
        guard let trace, let place else { return try await answer(call).reply }
        let start = trace.clock.now
        do {
            let routed = try await answer(call)
            let record = CallRecord(
                operation: call.operation,
                decision: routed.decision,
                reply: routed.reply,
                duration: start.duration(to: trace.clock.now)
            )
            await trace.record(record, at: place)
            return routed.reply
        } catch {
            let record = CallRecord(
                operation: call.operation,
                failure: error,
                duration: start.duration(to: trace.clock.now)
            )
            await trace.record(record, at: place)
            throw error
        }
    }

    private func answer(_ call: Call) async throws(CallError) -> RoutedReply {
        var origin = CallOrigin()
        origin.run = run.id
        origin.path = path
        origin.operation = call.operation
        origin.session = call.options.session
        return try await CallOrigin.$current.withValue(origin) {
            () async -> Result<RoutedReply, CallError> in
            do throws(CallError) {
                return .success(try await routed(call))
            } catch { return .failure(error) }
        }.get()
    }

    private func routed(_ call: Call) async throws(CallError) -> RoutedReply {
        if isLast, let receive = run.listener.chunk {
            return try await caller.callStreaming(call, receive)
        }
        if trace == nil { return RoutedReply(try await caller.call(call)) }
        return try await caller.callRouted(call)
    }

    private func timed(_ call: Call) throws(CallError) -> Call {
        guard let deadline else { return call }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else {
            let message = "The run's time was over before the call."
            throw CallError(.deadlineExceeded, message, operation: call.operation)
        }
        var call = call
        call.options.timeout = min(call.options.timeout ?? left, left)
        return call
    }

    /// Runs a part of the step that this context was given to, under a label of its own.
    ///
    /// This is where a step's error gets its path, where a cancelled run stops before the next
    /// step, where the trace is written and the listener is told. A step made of other steps runs
    /// each of them through this.
    ///
    /// - Parameter isLast: whether the part's answer is the step's own, so that it may stream it.
    public func run<Input: Sendable, Output: Sendable>(
        _ step: any Step<Input, Output>,
        as label: String,
        _ input: Input,
        isLast: Bool = false
    ) async throws(CallError) -> Output {
        let inner = (isLast ? self : notLast).entering(label)
        let start = isObserved ? ContinuousClock.now : nil
        do throws(CallError) {
            if Task.isCancelled {
                throw CallError(.cancelled, "The run was cancelled before this step.")
            }
            if start != nil { await run.listener.step?(.began(path: inner.path)) }
            let output = try await step.run(input, in: inner)
            if let start { await inner.ended(since: start) }
            if let tell = run.listener.output, inner.isOwnStep { tell(inner.path, output) }
            return output
        } catch {
            let failure = error.placed(at: inner.path)
            if let start { await inner.ended(since: start, failure: failure.code) }
            throw failure
        }
    }

    /// Whether this is one of the outermost pipeline's own steps, and no part of one.
    private var isOwnStep: Bool { place?.outer != nil && place?.outer?.outer == nil }

    /// Whether anybody wants to know when a step begins and ends.
    private var isObserved: Bool { run.trace != nil || run.listener.step != nil }

    private func ended(
        since start: ContinuousClock.Instant,
        failure: CallError.Code? = nil
    ) async {
        guard let place else { return }
        await trace?.record(place, since: start, failure: failure)
        guard let listen = run.listener.step else { return }
        let duration = start.duration(to: .now)
        await listen(.ended(path: place.path, duration: duration, failure: failure))
    }
}

/// Who is told how a run goes while it does.
///
/// Whatever they take, the run waits for: a slow reader slows the run down and nothing piles up.
/// Steps that run at the same time tell at the same time.
public struct RunListener: Sendable {
    /// Told when each step begins and ends.
    public var step: (@Sendable (StepEvent) async -> Void)?
    /// Given what the pipeline's last step streams: the chunks of its call, in order.
    ///
    /// A step streams where its answer is the run's: the last of a block, within `When`, `Timeout`
    /// or a pipeline of its own too. What is asked several times, or at the same time as something
    /// else, does not. What it throws ends the call.
    public var chunk: (@Sendable (Value) async throws(CallError) -> Void)?

    /// Given what each of the pipeline's own steps gave, as it ends; their parts are not told.
    ///
    /// So what was done by then is there when the run fails.
    public var output: (@Sendable (_ path: [String], _ output: any Sendable) -> Void)?

    /// A listener of steps, of chunks, of outputs or of nothing.
    public init(
        step: (@Sendable (StepEvent) async -> Void)? = nil,
        chunk: (@Sendable (Value) async throws(CallError) -> Void)? = nil,
        output: (@Sendable (_ path: [String], _ output: any Sendable) -> Void)? = nil
    ) {
        self.step = step
        self.chunk = chunk
        self.output = output
    }
}

/// How a run goes.
public enum StepEvent: Sendable, Hashable {
    /// A step has begun.
    case began(path: [String])
    /// A step has ended: with an output, or with the error of that code.
    case ended(path: [String], duration: Duration, failure: CallError.Code?)
}
