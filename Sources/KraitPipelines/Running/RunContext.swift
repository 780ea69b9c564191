import KraitRouting
import KraitWire

/// What a step needs of the run it is part of: who answers calls, where it stands, what is traced.
public struct RunContext: Sendable {
    /// Who answers the steps' calls.
    public let caller: any Caller
    /// What every call of the run starts from; a step lays its own route over it.
    public let options: CallOptions
    /// Where the run is recorded; nil records nothing and reads no clock.
    public let trace: Trace?
    /// Where in its pipeline the step stands; nil before the run has begun.
    let place: Place?

    /// The context of a run that has not begun.
    public init(
        _ caller: any Caller,
        options: CallOptions = CallOptions(),
        trace: Trace? = nil
    ) {
        self.init(caller: caller, options: options, trace: trace, place: nil)
    }

    private init(caller: any Caller, options: CallOptions, trace: Trace?, place: Place?) {
        self.caller = caller
        self.options = options
        self.trace = trace
        self.place = place
    }

    /// The steps down to this one, such as `["support", "3 ChainOfThought(Triage)"]`.
    public var path: [String] { place?.path ?? [] }

    /// The same run, one step further in.
    func entering(_ label: String) -> RunContext {
        RunContext(
            caller: caller,
            options: options,
            trace: trace,
            place: Place(label: label, within: place)
        )
    }

    /// Makes a call for the step that this context was given to, and records its way.
    public func call(_ call: Call) async throws(CallError) -> Reply {
        guard let trace, let place else { return try await caller.call(call) }
        let start = trace.clock.now
        do {
            let routed = try await caller.callRouted(call)
            let record = CallRecord(
                operation: call.operation,
                decision: routed.decision,
                source: routed.reply.source,
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

    /// Runs a part of the step that this context was given to, under a label of its own.
    ///
    /// This is where a step's error gets its path, where a cancelled run stops before the next
    /// step, and where the trace is written. A step made of other steps runs each of them through
    /// this.
    public func run<Input, Output>(
        _ step: any Step<Input, Output>,
        as label: String,
        _ input: Input
    ) async throws(CallError) -> Output {
        let inner = entering(label)
        let start = trace?.clock.now
        do throws(CallError) {
            if Task.isCancelled {
                throw CallError(.cancelled, "The run was cancelled before this step.")
            }
            let output = try await step.run(input, in: inner)
            if let start { await inner.record(since: start) }
            return output
        } catch {
            let failure = error.placed(at: inner.path)
            if let start { await inner.record(since: start, failure: failure.code) }
            throw failure
        }
    }

    private func record(
        since start: ContinuousClock.Instant,
        failure: CallError.Code? = nil
    ) async {
        guard let trace, let place else { return }
        await trace.record(place, since: start, failure: failure)
    }
}

/// A step's place in its pipeline: a chain up to the root, so that going in costs one object.
final class Place: Sendable {
    let label: String
    let outer: Place?

    init(label: String, within outer: Place?) {
        self.label = label
        self.outer = outer
    }

    var path: [String] {
        var labels = [label]
        var place = outer
        while let next = place {
            labels.append(next.label)
            place = next.outer
        }
        return labels.reversed()
    }
}

extension CallError {
    /// The error with the path to the step that failed, unless a step further in has set it.
    ///
    /// A step can fail with the error of another pipeline that it ran by itself: its path is then
    /// the continuation of this one's.
    func placed(at path: [String]) -> CallError {
        if self.path.starts(with: path) { return self }
        var error = self
        error.path = path + self.path
        return error
    }
}
