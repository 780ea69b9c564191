/// Remembers the calls that workers died of, by their content, so that one call cannot end one
/// worker after the other.
///
/// When a worker dies, each call it had is a suspect. One that was there at two deaths runs on a
/// worker of its own the next time, so that its neighbours neither suffer nor are suspected with
/// it; at the third it is refused for a while. An answer clears it at once.
struct Quarantine: Equatable {
    typealias Instant = Moment

    /// The deaths after which a call runs alone, and after which it is refused.
    static let deathsToIsolate = 2
    static let deathsToRefuse = 3
    static let maximumCount = 1_024

    private struct Suspect: Equatable {
        var deaths: Int
        var last: Instant
        /// How the worker ended the last time.
        var ending: String
    }

    /// How long a suspicion lasts without another death.
    private let memory: Duration
    private var suspects: [UInt64: Suspect] = [:]

    init(memory: Duration) { self.memory = memory }

    /// Whether any call is suspected, and fingerprints are worth their making.
    var isEmpty: Bool { suspects.isEmpty }

    /// What is to become of a call.
    enum Verdict: Equatable {
        case free
        case isolated
        case refused(deaths: Int, ending: String)
    }

    /// What is to become of a call; one that cannot be served alone is refused instead.
    mutating func verdict(
        on fingerprint: UInt64,
        canBeAlone: Bool = true,
        at now: Instant
    ) -> Verdict {
        guard let suspect = suspects[fingerprint] else { return .free }
        guard now < suspect.last + memory else {
            suspects[fingerprint] = nil
            return .free
        }
        let most = canBeAlone ? Self.deathsToRefuse : Self.deathsToIsolate
        if suspect.deaths >= most {
            return .refused(deaths: suspect.deaths, ending: suspect.ending)
        }
        return suspect.deaths >= Self.deathsToIsolate ? .isolated : .free
    }

    /// A worker has died that had the call.
    mutating func workerDied(having fingerprint: UInt64, ending: String, at now: Instant) {
        if suspects[fingerprint] == nil, suspects.count >= Self.maximumCount { forgetOldest() }
        let deaths = suspects[fingerprint]?.deaths ?? 0
        suspects[fingerprint] = Suspect(deaths: deaths + 1, last: now, ending: ending)
    }

    /// The call was answered, so it is not what workers die of.
    mutating func answered(_ fingerprint: UInt64) { suspects[fingerprint] = nil }

    private mutating func forgetOldest() {
        let oldest = suspects.min { ($0.value.last, $0.key) < ($1.value.last, $1.key) }
        if let oldest { suspects[oldest.key] = nil }
    }
}
