import Glibc
import Krait
import KraitControl
import KraitObservability
import KraitWire

/// What a job leaves while it runs, in a folder beside its output: the best programs so far, what
/// DSPy logged, and how far it came.
///
/// It survives `kill -9` at any moment: a program's file and `job.json` are there whole or not at
/// all.
final class JobFolder: Sendable {
    let path: String
    private let log: Descriptor
    private let state = Lock(State())

    private struct State {
        var best: String?
        var progress: OptimizationProgress?
    }

    /// Opens the folder, or makes it; nobody else may write it meanwhile.
    init(beside output: String) throws {
        path = output + ".job"
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemError("make \(path)") }
        log = try Descriptor.open("\(path)/log.txt", O_WRONLY | O_CREAT | O_APPEND)
        guard flock(log.number, LOCK_EX | LOCK_NB) == 0 else {
            throw CommandFailure(.failed, "\(path) is being written by another job")
        }
    }

    /// A process that is just being started may hold the descriptor for a moment longer.
    deinit { flock(log.number, LOCK_UN) }

    /// The best program that an earlier job has left here without coming to its end.
    var left: String? {
        guard let bytes = try? readFile("\(path)/job.json", limit: 1 << 20),
            let job = try? readJSON(bytes), job["state"]?.string != Ending.done.rawValue,
            let name = job["best"]?.string
        else { return nil }
        return "\(path)/\(name)"
    }

    /// The best program so far.
    var best: String? { state.withLock { $0.best }.map { "\(path)/\($0)" } }

    /// How far it came.
    var progress: OptimizationProgress? { state.withLock { $0.progress } }

    /// How a job stands.
    enum Ending: String { case running, done, failed, cancelled }

    /// Keeps what the job tells.
    func took(_ event: OptimizationEvent) throws {
        switch event {
        case .progress(let progress): state.withLock { $0.progress = progress }
        case .log(let level, let text): try log.writeAll(Array("\(level): \(text)\n".utf8))
        case .candidate(let candidate):
            let number = candidate.score.number
            let name = number < 0 ? "demos-\(-number).json" : "candidate-\(number).json"
            try write(try candidate.json, to: name)
            state.withLock { $0.best = name }
            try settle(.running)
        }
    }

    /// Writes how the job stands.
    func settle(_ ending: Ending, _ reason: String? = nil) throws {
        let state = state.withLock { $0 }
        var map: ValueMap = ["state": .string(ending.rawValue)]
        map["best"] = state.best.map(Value.string)
        map["reason"] = reason.map(Value.string)
        map["lm_calls"] = state.progress.map { .int(Int64($0.lmCalls)) }
        map["seconds"] = state.progress.map { .double($0.elapsed / .seconds(1)) }
        try write(try Value.map(map).json(pretty: true) + "\n", to: "job.json")
    }

    private func write(_ text: String, to name: String) throws {
        let draft = "\(path)/\(name).new"
        let file = try Descriptor.open(draft, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(Array(text.utf8))
        guard fsync(file.number) == 0, rename(draft, "\(path)/\(name)") == 0 else {
            throw SystemError("write \(path)/\(name)")
        }
    }
}
