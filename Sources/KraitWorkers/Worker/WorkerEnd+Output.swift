extension WorkerStateMachine.End {
    /// Adds the last lines of output to the reasons that have words.
    func with(output tail: [String]) -> Self {
        guard !tail.isEmpty else { return self }
        let lines = "; its last lines: " + tail.joined(separator: "\n")
        return switch self {
        case .failedToStart(let reason): .failedToStart(reason + lines)
        case .cannotStart(let reason): .cannotStart(reason + lines)
        case .stopped, .crashed, .distrusted, .silent: self
        }
    }
}
