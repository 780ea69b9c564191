import Glibc
import KraitTestSupport
import KraitWire

/// Keeps calls under way at each pool, and books what comes of them.
package final class Workload {
    /// How much is asked, and how hard.
    package struct Limits {
        /// No more calls than this in all; nil for no end.
        package var calls: Int?
        /// How long a place rests after an answer, by pool.
        package var rests: [String: Duration] = ["neighbour": .milliseconds(20)]
        /// Only these pools are asked, where some are named.
        package var only: Set<String>?

        package init(calls: Int? = nil) { self.calls = calls }
    }

    package var ledger = Ledger()
    package var limits: Limits
    /// Called with each answer that has its place in the ledger.
    package var onAnswer: (SentCall, Ledger.Outcome) -> Void = { _, _ in }
    /// Whether an injected fault explains an error.
    package var isExplained: (SentCall, Ledger.Outcome) -> Bool = { _, _ in false }
    /// When the last good answer of each pool came, and how many there were.
    package private(set) var lastOK: [String: ContinuousClock.Instant] = [:]
    package private(set) var okCounts: [String: Int] = [:]
    /// The worker that last answered, by pool and place.
    package private(set) var workerNames: [String: Set<String>] = [:]
    /// While set, a worker of the faulty pool is always being broken.
    package var repeatPoison = false
    /// False while nothing new is to be sent.
    package var isOn = false

    private struct Places {
        var underWay = 0
        /// When a resting place may be used again, in that order.
        var resting: ArraySlice<ContinuousClock.Instant> = []
    }

    private let loop: Loop
    private let plans: [PoolPlan]
    private var random: SplitMix64
    private var places: [String: Places] = [:]
    private var connections: [ControlConnection] = []
    private var next = 0
    private var number = 0
    /// The daemon answers so many lines of a client at once.
    private static let perConnection = 64
    private static let restAfterError: Duration = .milliseconds(50)

    package init(plans: [PoolPlan], loop: Loop, seed: UInt64) {
        self.plans = plans
        self.loop = loop
        random = SplitMix64(seed: seed)
        limits = Limits()
        loop.eachTurn { [unowned self] in topUp() }
        sweepLater()
    }

    /// Connects as often as the windows need.
    package func connect(to socket: String, onEnd: @escaping () -> Void) throws(ChaosError) {
        let calls = plans.reduce(0) { $0 + $1.window }
        let count = calls / Self.perConnection + 2
        connections = []
        for _ in 0..<count {
            let connection = ControlConnection(
                socket,
                loop: loop,
                onAnswer: { [unowned self] in take($0) },
                onEnd: onEnd
            )
            guard let connection else {
                throw ChaosError("nobody listens at \(socket): \(String(cString: strerror(errno)))")
            }
            connections.append(connection)
        }
    }

    /// Lets go of all connections; the open calls are not waited for any more.
    package func hangUp() -> Int {
        for connection in connections { connection.close() }
        connections = []
        places = [:]
        return ledger.hungUp()
    }

    package var isDone: Bool {
        (limits.calls.map { ledger.sent >= $0 } ?? false) && ledger.open.isEmpty
    }

    /// Sends one call that breaks its worker.
    package func send(_ poison: Poison, timeout: Duration) {
        let token = newToken()
        send(
            pool: "faulty",
            operation: poison.rawValue,
            arguments: #"{"token": "\#(token)"}"#,
            token: token,
            timeout: timeout,
            poison: poison
        )
    }

    // MARK: Sending

    private func topUp() {
        guard isOn, !connections.isEmpty else { return }
        let now = ContinuousClock.now
        for plan in plans where limits.only?.contains(plan.name) ?? true {
            var places = places[plan.name] ?? Places()
            while let due = places.resting.first, due <= now { places.resting.removeFirst() }
            self.places[plan.name] = places
            let free = plan.window - places.underWay - places.resting.count
            for _ in 0..<max(0, free) {
                if let most = limits.calls, ledger.sent >= most { return }
                sendOne(to: plan)
            }
        }
    }

    private func sendOne(to plan: PoolPlan) {
        let token = newToken()
        let timeout: Duration = .milliseconds(Int.random(in: 4_000...8_000, using: &random))
        switch plan.name {
        case "lm":
            send(
                pool: plan.name,
                operation: "predict",
                arguments:
                    #"{"signature": "question -> answer", "inputs": {"question": "\#(token)"}}"#,
                token: token,
                timeout: timeout
            )
        case "neighbour":
            send(
                pool: plan.name,
                operation: "echo",
                arguments: #"{"token": "\#(token)"}"#,
                token: token,
                timeout: timeout
            )
        default:
            let (operation, seconds) = chooseWork()
            let more = seconds.map { #", "seconds": \#($0)"# } ?? ""
            send(
                pool: plan.name,
                operation: operation,
                arguments: #"{"token": "\#(token)"\#(more)}"#,
                token: token,
                timeout: timeout
            )
        }
    }

    private func chooseWork() -> (operation: String, seconds: Double?) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<2: ("quick", nil)
        case 2..<3: ("work", Double.random(in: 0.001...0.05, using: &random))
        default: ("wait", Double.random(in: 0.001...0.6, using: &random))
        }
    }

    private func newToken() -> String {
        let token = "t\(number)x\(String(random.next(), radix: 36))"
        // Some are longer than a message or a socket's buffer.
        guard Int.random(in: 0..<500, using: &random) == 0 else { return token }
        return token + String(repeating: "x", count: Int.random(in: 1...400_000, using: &random))
    }

    private func send(
        pool: String,
        operation: String,
        arguments: String,
        token: String,
        timeout: Duration,
        poison: Poison? = nil
    ) {
        guard let connection = freeConnection() else { return }
        let call = SentCall(
            number: number,
            pool: pool,
            operation: operation,
            token: token,
            sentAt: .now,
            timeout: timeout,
            poison: poison
        )
        number += 1
        ledger.send(call)
        if poison == nil { places[pool, default: Places()].underWay += 1 }
        let options = #"{"on": "\#(pool)", "timeout_ms": \#(milliseconds(timeout))}"#
        connection.send(
            #"{"id": \#(call.number), "verb": "call", "operation": "\#(operation)", "#
                + #""arguments": \#(arguments), "options": \#(options)}"#
        )
    }

    private func freeConnection() -> ControlConnection? {
        for _ in connections {
            next = (next + 1) % connections.count
            if connections[next].underWay < Self.perConnection { return connections[next] }
        }
        return nil
    }

    // MARK: Answers

    private func take(_ answer: Value) {
        let now = ContinuousClock.now
        guard
            let (call, outcome) = ledger.answered(answer, at: now, isExplained: isExplained)
        else { return }
        if let poison = call.poison {
            if repeatPoison { send(poison, timeout: call.timeout) }
        } else {
            release(call, outcome, at: now)
        }
        if outcome == .ok {
            lastOK[call.pool] = now
            okCounts[call.pool, default: 0] += 1
            if let name = answer["ok"]?["source"]?["worker"]?.string {
                workerNames[call.pool, default: []].insert(name)
                if workerNames[call.pool, default: []].count > 64 {
                    workerNames[call.pool] = [name]
                }
            }
        }
        onAnswer(call, outcome)
    }

    private func release(
        _ call: SentCall,
        _ outcome: Ledger.Outcome,
        at now: ContinuousClock.Instant
    ) {
        var places = places[call.pool] ?? Places()
        places.underWay -= 1
        let rest = outcome == .ok ? limits.rests[call.pool] : Self.restAfterError
        if let rest { places.resting.append(now + rest) }
        self.places[call.pool] = places
    }

    private func sweepLater() {
        loop.after(.milliseconds(500)) { [weak self] in
            guard let self else { return }
            ledger.sweep(at: .now)
            sweepLater()
        }
    }
}
