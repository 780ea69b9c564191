import KraitWire

/// Something that can answer calls: a pool of workers, or Swift code.
///
/// The conformances live in `Krait/Assembly` (pools) and `KraitRouting/Native` (Swift code), so a
/// router is tested with scripted backends and no process.
public protocol Backend: Sendable {
    /// Answers a call, or throws why it cannot. Cancelling the task cancels the call.
    func call(_ call: Call) async throws(CallError) -> Reply
}
