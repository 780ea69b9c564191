/// A call that is a fault: what the adapter `mayhem.py` does to its worker.
package enum Poison: String, CaseIterable, Sendable {
    case raises, leaves, segfaults, aborts, swells, spins, holds, chatters
}

/// What the run does to Krait.
package enum FaultKind: Hashable, Sendable, CustomStringConvertible {
    case killWorker, killForkserver, stopWorker, pauseWorker
    case poison(Poison)
    case languageModelDies, languageModelStalls, languageModelRaves
    case rogue, hangUp
    case fullDisk, fullSharedMemory, noDescriptors

    package static let all: [FaultKind] =
        [.killWorker, .killForkserver, .stopWorker, .pauseWorker]
        + Poison.allCases.map { .poison($0) }
        + [
            .languageModelDies, .languageModelStalls, .languageModelRaves, .rogue, .hangUp,
            .fullDisk, .fullSharedMemory, .noDescriptors,
        ]

    package var description: String {
        switch self {
        case .killWorker: "kill"
        case .killForkserver: "forkserver"
        case .stopWorker: "stop"
        case .pauseWorker: "pause"
        case .poison(let poison): poison.rawValue
        case .languageModelDies: "lm-dies"
        case .languageModelStalls: "lm-stalls"
        case .languageModelRaves: "lm-raves"
        case .rogue: "rogue"
        case .hangUp: "hang-up"
        case .fullDisk: "disk"
        case .fullSharedMemory: "shm"
        case .noDescriptors: "descriptors"
        }
    }

    package init?(name: String) {
        guard let kind = Self.all.first(where: { $0.description == name }) else { return nil }
        self = kind
    }

    /// What it does, for `--help`.
    package var meaning: String {
        switch self {
        case .killWorker: "SIGKILL of a worker"
        case .killForkserver: "SIGKILL of a forkserver"
        case .stopWorker: "SIGSTOP of a worker, for good"
        case .pauseWorker: "SIGSTOP of a worker, and SIGCONT before it counts as silent"
        case .poison(.raises): "a call whose Python code raises"
        case .poison(.leaves): "a call that ends its worker by os._exit"
        case .poison(.segfaults): "a call that reads where nothing is"
        case .poison(.aborts): "a call that aborts"
        case .poison(.swells): "a call that takes memory until it is refused"
        case .poison(.spins): "a call that loops for ever in Python"
        case .poison(.holds): "a call that waits for ever in C with the interpreter's lock"
        case .poison(.chatters): "a call that prints without a pause"
        case .languageModelDies: "SIGKILL of the language model's server, back a second later"
        case .languageModelStalls: "SIGSTOP of that server, for two seconds"
        case .languageModelRaves: "answers without sense, cut answers and errors from that server"
        case .rogue: "a peer on the router socket with stolen names and made-up frames"
        case .hangUp: "a client that leaves in the middle of its calls"
        case .fullDisk: "no room in the run directory (as root)"
        case .fullSharedMemory: "no room in the shared memory (as root)"
        case .noDescriptors: "hardly a descriptor left to the daemon, while a worker dies"
        }
    }

    /// Whether it needs file systems of its own, which only root can mount.
    package var needsMounts: Bool { self == .fullDisk || self == .fullSharedMemory }

    /// The pools it is done to; the daemon as a whole where there are none.
    package var pools: [String] {
        switch self {
        case .killWorker, .killForkserver, .stopWorker, .pauseWorker: ["forks", "execs"]
        case .poison: ["faulty"]
        case .languageModelDies, .languageModelStalls, .languageModelRaves: ["lm"]
        case .noDescriptors: ["forks"]
        case .rogue, .hangUp, .fullDisk, .fullSharedMemory: []
        }
    }

    /// The errors that it explains, for calls of the pool that it was done to.
    package var explains: Set<String> {
        // Where workers are lost, the breaker may open, and calls wait for their successors.
        let losses: Set<String> = ["worker_crashed", "circuit_open", "deadline_exceeded"]
        return switch self {
        case .killWorker: ["worker_crashed", "circuit_open"]
        case .killForkserver: losses
        case .stopWorker: losses.union(["worker_silent"])
        case .pauseWorker: ["deadline_exceeded"]
        case .poison(.raises): ["faulted", "circuit_open"]
        case .poison(.leaves), .poison(.segfaults), .poison(.aborts):
            ["worker_crashed", "circuit_open", "call_quarantined"]
        case .poison(.swells): losses.union(["faulted", "call_quarantined"])
        case .poison(.spins), .poison(.holds): losses.union(["worker_silent", "call_quarantined"])
        case .poison(.chatters): losses.union(["worker_silent"])
        case .languageModelDies, .languageModelStalls, .languageModelRaves:
            ["faulted", "invalid_output", "deadline_exceeded", "circuit_open"]
        case .noDescriptors: losses.union(["pool_failed"])
        case .rogue, .hangUp, .fullDisk, .fullSharedMemory: []
        }
    }
}

/// A fault that was injected: what it hit, and from when until when.
package struct Episode {
    package let kind: FaultKind
    package let pool: String?
    /// The worker's place in its pool, where it hit one alone.
    package let worker: Int?
    package let from: ContinuousClock.Instant
    /// When all was well again; nil while it is not.
    package var to: ContinuousClock.Instant?

    package init(
        kind: FaultKind,
        pool: String?,
        worker: Int?,
        from: ContinuousClock.Instant,
        to: ContinuousClock.Instant? = nil
    ) {
        self.kind = kind
        self.pool = pool
        self.worker = worker
        self.from = from
        self.to = to
    }

    /// Errors may come of it for so long after all was well.
    package static let aftermath: Duration = .seconds(1)
    /// A breaker looks back on half a minute, and then is open for up to a whole one.
    package static let breakerAftermath: Duration = .seconds(90)

    private static func aftermath(of code: String) -> Duration {
        code == "circuit_open" ? breakerAftermath : aftermath
    }

    /// Whether it explains what a call came to.
    package func explains(
        _ call: SentCall,
        _ outcome: Ledger.Outcome,
        at now: ContinuousClock.Instant
    ) -> Bool {
        guard case .failed(let code, let name, _) = outcome, call.pool == pool,
            kind.explains.contains(code), from <= now,
            to.map({ $0 + Self.aftermath(of: code) >= call.sentAt }) ?? true
        else { return false }
        // Only the calls of the worker that was hit may fail by its end.
        guard let worker, let name, code.hasPrefix("worker_") else { return true }
        return name.hasPrefix("\(call.pool)/\(worker).")
    }
}
