import KraitWire

extension PythonWorker {
    /// What is known of a worker's process.
    package struct Facts: Sendable {
        package var processID: Int32?
        /// Where it runs, of one that came from elsewhere.
        package var host: String?
        package var residentBytes: Int?
        package var age: Duration?
        package var oldestCall: Duration?
    }
}

extension LaunchError {
    /// Adds the last lines the process wrote, which is where the reason usually is.
    func with(output tail: [String]) -> LaunchError {
        guard !tail.isEmpty else { return self }
        return LaunchError(
            reason + "; its last lines: " + tail.joined(separator: "\n"),
            isFinal: isFinal
        )
    }
}

extension EnvelopeHeader {
    /// Whether it belongs to a call.
    var isAnswer: Bool {
        switch kind {
        case .reply, .chunk, .end, .toolCall: true
        case .fault: callID != 0
        default: false
        }
    }
}
