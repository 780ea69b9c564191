import KraitLM
import KraitObservability
import KraitWire

/// What a daemon serves: the pools and the router, as the control socket and the signals need them.
///
/// `Krait`'s orchestrator is adapted to it in `OrchestratorCore.swift`; tests script one.
package protocol DaemonCore: Sendable {
    /// Starts the pools, tells `report` how that goes, and serves until it is drained or stopped.
    ///
    /// `report` is called with `.ready` once, when every pool can answer calls. An error before
    /// that is why the daemon could not start; its description is shown as it is, so it holds the
    /// adapter's last words where there are some. Cancelling the task stops at once.
    func run(_ report: @escaping @Sendable (StartProgress) -> Void) async throws

    /// The status of DESIGN §11.
    func status() async -> Value

    func call(_ call: Call) async throws(CallError) -> Reply

    /// Makes a call whose chunks go to `receive` one by one, and gives what comes after the last.
    ///
    /// While `receive` waits nothing more is read; what it throws ends the call.
    func stream(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) async throws(ControlFailure) -> Reply

    /// Which route a call of the operation would take, and why.
    func explain(operation: String) async throws -> Value

    /// The calls of language models: sums by a grouping, and so many of the latest one by one.
    func lm(by grouping: LMLedger.Grouping, last: Int) async -> Value

    /// Runs a pipeline, and gives its value with what is told of the run.
    ///
    /// - Parameter receive: given what the last step streams, as in `stream`; nil for nobody.
    func runPipeline(
        _ request: RunRequest,
        _ receive: (@Sendable (Value) async throws(ControlFailure) -> Void)?
    ) async throws(ControlFailure) -> Value

    /// The pipelines there are, or the plan of one.
    func pipelines(plan: String?) async throws(CallError) -> Value

    /// The latest runs of pipelines, or the whole of one.
    func runs(number: Int?) async throws(CallError) -> Value

    /// The sessions there are, those of a pool, or the one of a name.
    func sessions(id: String?, pool: String?) async throws(CallError) -> Value

    /// Changes a pool, and gives its status once that is done, or has begun where nobody waits.
    func steer(_ request: SteeringRequest) async throws(CallError) -> Value

    /// Begins to end: takes nothing new, finishes what runs (for the drain timeout at most), and
    /// lets `run` return. Does not wait for it.
    func drain() async

    /// Ends at once: what runs fails with a typed error, and `run` returns.
    func stop() async
}

/// How far the start of a daemon has come.
package enum StartProgress: Sendable, Equatable {
    /// A line for whoever waits, such as `pool general: 2 of 4 workers ready`.
    case step(String)
    case ready
}
