import KraitLM
import KraitWire

extension LMLedger {
    /// The ledger as `krait lm --json` prints it: the sums by a grouping, and the latest calls.
    ///
    /// - Parameter last: how many calls, the latest last.
    public func value(by grouping: Grouping, last: Int) -> Value {
        let sums = sums(by: grouping).sorted { $0.key < $1.key }
        return [
            "by": .string(grouping.rawValue),
            "sums": .map(ValueMap(sums.map { ($0.key, $0.value.value) })),
            "calls": .list(records.suffix(max(0, last)).map(\.value)),
        ]
    }
}

extension LMRecord {
    /// The call as `krait lm --json` prints it.
    fileprivate var value: Value {
        func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
        func count(_ count: Int?) -> Value { count.map { .int(Int64($0)) } ?? .null }
        return [
            "at": .timestamp(time), "model": .string(model), "operation": text(operation),
            "step": text(step), "run": text(run), "session": text(session), "pool": text(pool),
            "prompt_tokens": count(usage.promptTokens),
            "completion_tokens": count(usage.completionTokens),
            "cost_usd": cost.map(Value.double) ?? .null,
            "time_s": .double(duration.roundedSeconds), "cached": .bool(isCached),
            "failure": text(failure?.rawValue),
        ]
    }
}
