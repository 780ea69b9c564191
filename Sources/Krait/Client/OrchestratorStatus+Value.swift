import KraitLM
import KraitWire

extension OrchestratorStatus {
    /// The status as `krait status --json` prints it.
    public var value: Value {
        [
            "name": .string(name),
            "pid": .int(Int64(processID)),
            "run": .string(run),
            "uptime_s": .double(uptime.roundedSeconds),
            "pools": .list(pools.map(\.value)),
            "pipelines": .list(pipelines.map(\.value)),
            "sessions": [
                "count": .int(Int64(sessions.count)),
                "checked_out": .int(Int64(sessions.checkedOut)),
                "unwritten": .int(Int64(sessions.unwritten)),
                "problem": sessions.problem.map(Value.string) ?? .null,
            ],
            "models": .map(
                ValueMap(models.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value) })
            ),
        ]
    }
}

extension OrchestratorStatus.Pipeline {
    fileprivate var value: Value {
        [
            "name": .string(name), "running": .int(Int64(running)), "done": .int(Int64(done)),
            "failed": .int(Int64(failed)),
        ]
    }
}

extension OrchestratorStatus.Pool {
    /// The worst of its breakers.
    ///
    /// A pool without workers refuses calls as an open one does.
    private var breaker: String {
        if state == "failed" || breakers.contains(where: { $0.state == "open" }) { return "open" }
        return breakers.isEmpty ? "closed" : "half_open"
    }

    /// The pool as `krait status --json` prints it.
    public var value: Value {
        [
            "name": .string(name),
            "state": .string(state),
            "failure": failure.map(Value.string) ?? .null,
            "breaker": .string(breaker),
            "breakers": .map(ValueMap(breakers.map { ($0.operation, .string($0.state)) })),
            "next_try_s": nextTry.map { .double($0.roundedSeconds) } ?? .null,
            "queued": .int(Int64(queued)),
            "served": .int(Int64(served)),
            "target": .int(Int64(target)),
            "workers": .list(workers.map(\.value)),
            "events": .list(events.map(\.value)),
            "arena": arena?.value ?? .null,
        ]
    }
}

extension OrchestratorStatus.Arena {
    fileprivate var value: Value {
        [
            "size_bytes": .int(Int64(size)),
            "used_bytes": .int(Int64(used)),
            "leases": .int(Int64(leases)),
            "refused": .int(Int64(refused)),
        ]
    }
}

extension OrchestratorStatus.Worker {
    fileprivate var value: Value {
        [
            "pid": processID.map { .int(Int64($0)) } ?? .null,
            "host": host.map(Value.string) ?? .null,
            "state": .string(state),
            "slots": .int(Int64(slots)),
            "busy": .int(Int64(busy)),
            "served": .int(Int64(served)),
            "resident_bytes": residentBytes.map { .int(Int64($0)) } ?? .null,
            "age_s": age.map { .double($0.roundedSeconds) } ?? .null,
            "oldest_call_s": oldestCall.map { .double($0.roundedSeconds) } ?? .null,
            "restarts": .int(Int64(restarts)),
            "last_end": lastEnd.map(Value.string) ?? .null,
            "last_end_age_s": sinceLastEnd.map { .double($0.roundedSeconds) } ?? .null,
        ]
    }
}

extension OrchestratorStatus.PoolEvent {
    fileprivate var value: Value {
        [
            "event": .string(name),
            "worker": worker.map(Value.string) ?? .null,
            "detail": detail.map(Value.string) ?? .null,
            "age_s": .double(age.roundedSeconds),
        ]
    }
}

extension LMSum {
    /// The sums as `krait status --json` prints them.
    var value: Value {
        [
            "calls": .int(Int64(calls)),
            "failures": .int(Int64(failures)),
            "cached": .int(Int64(cached)),
            "prompt_tokens": .int(Int64(promptTokens)),
            "completion_tokens": .int(Int64(completionTokens)),
            "cost_usd": .double(cost),
            "cost_unknown": .int(Int64(costUnknown)),
            "time_s": .double(duration.roundedSeconds),
        ]
    }
}

extension Duration {
    /// Seconds to the millisecond.
    var roundedSeconds: Double { (self / .milliseconds(1)).rounded() / 1_000 }
}
