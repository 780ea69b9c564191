/// What `krait` ends with: the one table, from which `--help` prints.
enum ExitCode: Int32, CaseIterable, Sendable {
    case ok = 0
    case failed = 1
    case usage = 2
    case notRunning = 3
    case configuration = 4
    case startFailed = 5
    case belowThreshold = 6
    case interrupted = 130
    case outputClosed = 141

    /// What it means, as `--help` says it.
    var meaning: String {
        switch self {
        case .ok: "done"
        case .failed: "the call or the operation failed; the error says why"
        case .usage: "the command line is not valid"
        case .notRunning: "no daemon of that name is running, or it does not answer"
        case .configuration: "the configuration is not valid"
        case .startFailed: "the daemon could not start"
        case .belowThreshold: "the score is below the threshold, or worse than before"
        case .interrupted: "interrupted before it was done"
        case .outputClosed: "the reader of the output went away"
        }
    }
}
