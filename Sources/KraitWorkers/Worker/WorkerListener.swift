import KraitWire

/// Who a worker reports to, on its thread.
package protocol WorkerListener: Sendable {
    func workerReady(_ ready: Ready)
    /// It beats, and has so much memory of its own.
    func workerMeasured(residentBytes: Int)
    /// It is about to leave by itself, and wants no new calls.
    func workerLeaves()
    /// Replies, faults, chunks, ends and tool calls, as they came in one message.
    func answered(_ answers: [ReceivedEnvelope])
}
