import KraitWire

/// A call that was sent, as the run remembers it.
package struct SentCall {
    package let number: Int
    package let pool: String
    package let operation: String
    /// What the answer must hold.
    package let token: String
    package let sentAt: ContinuousClock.Instant
    package let timeout: Duration
    /// What it does to its worker, where it is a fault itself.
    package var poison: Poison?

    package init(
        number: Int,
        pool: String,
        operation: String,
        token: String,
        sentAt: ContinuousClock.Instant,
        timeout: Duration,
        poison: Poison? = nil
    ) {
        self.number = number
        self.pool = pool
        self.operation = operation
        self.token = token
        self.sentAt = sentAt
        self.timeout = timeout
        self.poison = poison
    }
}

/// The run's own book: what was sent, and what came of it.
///
/// Each call is told by its number, which the daemon gives back, and by a token that only the
/// operation gives back: so a loss, a second answer and an answer to another's call each show.
package struct Ledger {
    /// An answer that the book has no place for, or that holds what it should not.
    package enum Irregularity: String, CaseIterable, Sendable {
        case duplicate, mixedUp, unreadable, lost, late, unexplained
    }

    package private(set) var open: [Int: SentCall] = [:]
    package private(set) var sent = 0
    package private(set) var ok = 0
    package private(set) var errors: [String: Int] = [:]
    package private(set) var irregular: [Irregularity: Int] = [:]
    /// The first few irregularities, in words.
    package private(set) var remarks: [String] = []
    /// The longest that an answer came after its deadline.
    package private(set) var worstOverrun: Duration = .zero
    private var isAnswered: Set<Int> = []

    /// How late an answer may come.
    package static let tolerance: Duration = .milliseconds(250)
    /// How long after its deadline a call without an answer is given up as lost.
    package static let patience: Duration = .seconds(10)
    private static let mostRemarks = 20

    package init() {}

    package mutating func send(_ call: SentCall) {
        sent += 1
        open[call.number] = call
    }

    /// What came of a call.
    package enum Outcome: Equatable {
        case ok
        /// `worker` is the name of the one that had the call.
        case failed(code: String, worker: String?, text: String)
    }

    /// Takes in an answer; nil where it belongs to no call that waits.
    ///
    /// - Parameter isExplained: whether an injected fault explains an error.
    package mutating func answered(
        _ answer: Value,
        at now: ContinuousClock.Instant,
        isExplained: (SentCall, Outcome) -> Bool
    ) -> (call: SentCall, outcome: Outcome)? {
        guard let number = answer["id"]?.int.map({ Int($0) }) else {
            remark(.unreadable, "an answer without a number: \(clip(answer))")
            return nil
        }
        guard let call = open.removeValue(forKey: number) else {
            let isSecond = isAnswered.contains(number)
            remark(
                .duplicate,
                isSecond ? "call \(number) was answered twice" : "an answer to no call: \(number)"
            )
            return nil
        }
        isAnswered.insert(number)
        let overrun = call.sentAt.duration(to: now) - call.timeout
        worstOverrun = max(worstOverrun, overrun)
        if overrun > Self.tolerance {
            remark(.late, "\(words(call)) came \(milliseconds(overrun)) ms after its deadline")
        }
        guard let outcome = Self.outcome(of: answer) else {
            remark(.unreadable, "\(words(call)): \(clip(answer))")
            return nil
        }
        switch outcome {
        case .ok:
            ok += 1
            if !Self.holds(call.token, answer["ok"]?["value"]) {
                remark(.mixedUp, "\(words(call)) got another's answer: \(clip(answer))")
            }
        case .failed(let code, _, let text):
            errors[code, default: 0] += 1
            if !isExplained(call, outcome) {
                remark(.unexplained, "\(words(call)): \(code): \(text.prefix(300))")
            }
        }
        return (call, outcome)
    }

    /// Gives up calls that should have been answered long ago.
    package mutating func sweep(at now: ContinuousClock.Instant) {
        for call in open.values where call.sentAt + call.timeout + Self.patience < now {
            open[call.number] = nil
            isAnswered.insert(call.number)
            remark(.lost, "\(words(call)) has no answer")
        }
    }

    /// Forgets the open calls of a daemon that was killed: its callers are told by the hang-up.
    package mutating func hungUp() -> Int {
        defer { open = [:] }
        isAnswered.formUnion(open.keys)
        return open.count
    }

    package func count(_ kind: Irregularity) -> Int { irregular[kind] ?? 0 }

    package mutating func remark(_ kind: Irregularity, _ text: String) {
        irregular[kind, default: 0] += 1
        if remarks.count < Self.mostRemarks { remarks.append("\(kind.rawValue): \(text)") }
    }

    private static func outcome(of answer: Value) -> Outcome? {
        if answer["ok"] != nil { return .ok }
        guard let error = answer["error"], let code = error["code"]?.string else { return nil }
        let fault = error["fault"].flatMap { fault in
            "\(fault["type"]?.string ?? ""): \(fault["message"]?.string ?? "")"
        }
        return .failed(
            code: code,
            worker: error["worker"]?.string,
            text: [error["message"]?.string, fault].compactMap(\.self).joined(separator: "; ")
        )
    }

    /// Whether the token is in a reply: it is all of it, or a field of it.
    private static func holds(_ token: String, _ value: Value?) -> Bool {
        switch value {
        case .string(let text): text == token
        case .map(let map): map.entries.contains { holds(token, $0.value) }
        case .list(let list): list.contains { holds(token, $0) }
        default: false
        }
    }

    private func words(_ call: SentCall) -> String {
        "call \(call.number) (\(call.operation) on \(call.pool))"
    }

    private func clip(_ value: Value) -> String {
        String(((try? value.json()) ?? "\(value)").prefix(300))
    }
}

package func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }
