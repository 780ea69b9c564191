import KraitWire
import KraitZeroMQ

/// What a worker needs to be let in at an endpoint that takes CURVE only.
///
/// It goes to the worker by the forkserver's channel, and nowhere else.
package struct WorkerKeys: Sendable {
    /// The public key of Krait's side, by which the worker knows it.
    package let server: String
    /// The worker's own, drawn for this one process.
    package let own: CurveKeys

    package init(server: String, own: CurveKeys) {
        self.server = server
        self.own = own
    }

    /// As the start message has it.
    var value: Value {
        [
            "server": .string(server), "public": .string(own.publicKey),
            "secret": .string(own.secretKey),
        ]
    }
}
