import KraitObservability
import KraitPipelines
import KraitWire

/// The runs of an orchestrator's pipelines: how many are under way, and what the latest came to.
final class PipelineRuns: Sendable {
    /// How many runs of a pipeline there are and were.
    struct Counts: Sendable {
        var running = 0
        var done = 0
        var failed = 0
    }

    private struct State {
        var counts: [String: Counts] = [:]
        /// The oldest first.
        var kept: [PipelineRun] = []
        var last = 0
        var isClosed = false
        var waiting: [AsyncStream<Never>.Continuation] = []

        var isIdle: Bool { counts.values.allSatisfy { $0.running == 0 } }
    }

    private let state = Lock(State())

    /// The latest, the oldest first.
    var kept: [PipelineRun] { state.withLock { $0.kept } }

    func counts(of pipeline: String) -> Counts {
        state.withLock { $0.counts[pipeline] ?? Counts() }
    }

    /// Begins a run, and gives its number.
    func begin(_ pipeline: String) throws(CallError) -> Int {
        let number = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.counts[pipeline, default: Counts()].running += 1
            state.last += 1
            return state.last
        }
        if let number { return number }
        throw CallError(.shuttingDown, "no run of a pipeline begins any more", path: [pipeline])
    }

    /// Keeps a run that has ended, in the place of the oldest.
    func end(_ run: PipelineRun) {
        let woken = state.withLock { state in
            state.counts[run.pipeline, default: Counts()].running -= 1
            if run.failure == nil {
                state.counts[run.pipeline]?.done += 1
            } else {
                state.counts[run.pipeline]?.failed += 1
            }
            if state.kept.count >= Limits.keptRuns { state.kept.removeFirst() }
            state.kept.append(run)
            guard state.isIdle else { return [AsyncStream<Never>.Continuation]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in woken { continuation.finish() }
    }

    /// Lets no run begin any more, and whoever waits for those under way wait no longer.
    func abandon() {
        let woken = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in woken { continuation.finish() }
    }

    /// Lets no run begin any more, and waits for those that are under way, or for as long.
    func close(within patience: Duration) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let isIdle = state.withLock { state in
            state.isClosed = true
            if !state.isIdle { state.waiting.append(continuation) }
            return state.isIdle
        }
        if isIdle { return }
        await withDiscardingTaskGroup { group in
            group.addTask {
                try? await Task.sleep(for: patience)
                continuation.finish()
            }
            for await _ in stream {}
            group.cancelAll()
        }
    }
}

/// What is known of a run of a pipeline that has ended: never what it was given or gave.
struct PipelineRun: Sendable {
    let number: Int
    let pipeline: String
    let ended: ContinuousClock.Instant
    let duration: Duration
    let failure: CallError?
    let steps: [StepRecord]
    /// How many steps more there were.
    let omitted: Int

    /// What its calls took of language models; nil where none told.
    var usage: CallUsage? {
        steps.flatMap(\.calls).compactMap(\.usage).reduce(nil) { sum, usage in
            sum.map { $0 + usage } ?? usage
        }
    }
}
