import KraitObservability
import KraitWire
import KraitZeroMQ

/// What goes to the worker.
extension PythonWorker {
    /// Puts an envelope into the worker's outbox; on its thread.
    package nonisolated func send(_ envelope: [UInt8]) { calls.send(envelope) }

    /// Puts an envelope into the worker's outbox, with the bytes that belong beside it: as leases
    /// where all of them are the arena's, else as they are.
    ///
    /// Compressed where there is such a form of it and the worker reads that.
    package func send(
        _ envelope: consuming [UInt8],
        with attachments: [any SharedBytes],
        or compressed: CompressedEnvelope? = nil
    ) {
        if let compressed, compressed.compression == compression?.compression {
            let frames = compressed.attachments.map(OutgoingFrame.init)
            let bytes = compressed.bytes(as: envelope)
            return calls.send(bytes, with: frames)
        }
        if let leases = payloads.lend(attachments) {
            EnvelopeHeader.patch(&envelope, flags: .leased)
            let frames = leases.map { OutgoingFrame(ArrayBytes($0.bytes)) }
            calls.send(envelope, with: frames)
        } else {
            // The array may have been sent before, to a worker that is no more.
            EnvelopeHeader.patch(&envelope, flags: [])
            if payloads.isLending { events.emit(.payloadFramed) }
            let frames = attachments.map(OutgoingFrame.init)
            calls.send(envelope, with: frames)
        }
    }
}
