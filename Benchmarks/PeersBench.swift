import Glibc
import Krait
import KraitWire

/// Measures for Krait what `peers/harness.py` measures for the others: echo at each window, an
/// array there and back, from nothing to the first reply, and a worker killed under load.
package struct PeersBench: Sendable {
    /// What is measured, and how long.
    package struct Settings: Sendable, Equatable {
        package var workers: Int
        package var windows: [Int]
        /// How long each window is kept full.
        package var duration: Duration
        package var arrayBytes: Int
        package var arrays: Int
        package var python: String?

        package init(
            workers: Int = 2,
            windows: [Int] = [1, 100],
            duration: Duration = .seconds(1),
            arrayBytes: Int = 16 << 20,
            arrays: Int = 5,
            python: String? = nil
        ) {
            self.workers = workers
            self.windows = windows
            self.duration = duration
            self.arrayBytes = arrayBytes
            self.arrays = arrays
            self.python = python
        }
    }

    /// How long the load lasts in which a worker is killed, and after how long it is.
    static let killLoad: Duration = .seconds(4)
    static let killAfter: Duration = .milliseconds(500)

    let settings: Settings

    package init(_ settings: Settings) { self.settings = settings }

    /// One round, on a pool of its own; tells each figure as it is there.
    package func round(tell: @escaping @Sendable (ValueMap) -> Void) async throws {
        let most = settings.windows.max() ?? 1
        let orchestrator = Orchestrator(name: "bench") {
            PythonPool(
                "bench",
                adapter: .echo,
                workers: settings.workers,
                slots: min(Limits.slots, (most + settings.workers - 1) / settings.workers),
                python: settings.python
            )
        }
        let start = ContinuousClock.now
        try await orchestrator.running { krait in
            _ = try await krait.call("echo", EchoBench.arguments, on: .pool("bench"))
            let first = start.duration(to: .now)
            tell(["bench": "start", "n": 1, "first_reply_ms": .double(first.milliseconds)])
            for window in settings.windows {
                try await warm(window, krait)
                tell(try await echo(window, krait))
            }
            tell(try await array(krait))
            for isIdempotent in [false, true] {
                tell(try await kill(most, isIdempotent: isIdempotent, krait))
            }
        }
    }

    private func warm(_ window: Int, _ krait: Orchestrator) async throws {
        let duration = min(.milliseconds(300), settings.duration)
        _ = try await EchoBench.keepFull(window, for: duration, krait)
    }

    private func echo(_ window: Int, _ krait: Orchestrator) async throws -> ValueMap {
        let figures = try await EchoBench.keepFull(window, for: settings.duration, krait)
        return [
            "bench": "echo",
            "window": .int(Int64(window)),
            "n": .int(Int64(figures.n)),
            "calls_per_s": .double(figures.callsPerSecond.rounded()),
            "p50_us": .double((figures.p50Microseconds * 10).rounded() / 10),
            "p99_us": .double((figures.p99Microseconds * 10).rounded() / 10),
        ]
    }

    private func array(_ krait: Orchestrator) async throws -> ValueMap {
        let sent = Value.bytes([UInt8](repeating: 0x5A, count: settings.arrayBytes))
        var took: [Duration] = []
        // The first one warms up.
        for _ in 0...settings.arrays {
            let start = ContinuousClock.now
            let reply = try await krait.call("echo", ["array": sent], on: .pool("bench"))
            took.append(start.duration(to: .now))
            guard reply.value["array"] == sent else { throw EchoBench.WrongAnswer() }
        }
        let middle = median(took.dropFirst().map { $0 / .microseconds(1) })
        return [
            "bench": "array",
            "bytes": .int(Int64(settings.arrayBytes)),
            "n": .int(Int64(settings.arrays)),
            "p50_us": .double((middle * 10).rounded() / 10),
        ]
    }
}

extension PeersBench {
    /// What one task saw of a load in which a worker was killed.
    private struct Seen: Sendable {
        var answers = 0
        var failed = 0
        /// Which process answered, and when it first did.
        var first: [Int: ContinuousClock.Instant] = [:]
    }

    private func kill(
        _ window: Int,
        isIdempotent: Bool,
        _ krait: Orchestrator
    ) async throws -> ValueMap {
        let known = await krait.status().pools.flatMap(\.workers).compactMap(\.processID)
        let start = ContinuousClock.now
        let at = start + Self.killAfter
        let end = start + Self.killLoad
        let caller = krait.caller
        var all = Seen()
        try await withThrowingTaskGroup(of: Seen.self) { group in
            group.addTask {
                try await Task.sleep(until: at, clock: .continuous)
                if let victim = known.min() { Glibc.kill(victim, SIGKILL) }
                return Seen()
            }
            for _ in 0..<window {
                group.addTask {
                    await caller.run { _ in
                        await Self.ask(until: end, isIdempotent: isIdempotent, krait)
                    }
                }
            }
            for try await seen in group {
                all.answers += seen.answers
                all.failed += seen.failed
                all.first.merge(seen.first) { min($0, $1) }
            }
        }
        var figures: ValueMap = [
            "bench": "kill",
            "window": .int(Int64(window)),
            "idempotent": .bool(isIdempotent),
            "n": .int(Int64(all.answers)),
            "failed": .int(Int64(all.failed)),
            "unanswered": 0,
        ]
        let others = all.first.filter { !known.contains(Int32(clamping: $0.key)) }
        if let replaced = others.values.min() {
            figures["replaced_ms"] = .double(at.duration(to: replaced).milliseconds)
        }
        return figures
    }

    private static func ask(
        until end: ContinuousClock.Instant,
        isIdempotent: Bool,
        _ krait: Orchestrator
    ) async -> Seen {
        var seen = Seen()
        let options = CallOptions(route: .pool("bench"), isIdempotent: isIdempotent)
        while ContinuousClock.now < end {
            do throws(CallError) {
                let reply = try await krait.call(Call("pid", options: options))
                seen.answers += 1
                let process = reply.value.int ?? 0
                if seen.first[process] == nil { seen.first[process] = .now }
            } catch {
                seen.failed += 1
            }
        }
        return seen
    }
}

extension Duration {
    /// Milliseconds to a tenth.
    fileprivate var milliseconds: Double { (self / .microseconds(100)).rounded() / 10 }
}
