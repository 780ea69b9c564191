import CZeroMQ

/// A pair of CURVE keys in the text form of ZeroMQ (Z85, 40 characters each).
///
/// The secret one is handed to libzmq and to one worker, and shows in no description.
package struct CurveKeys: Sendable, Equatable {
    package let publicKey: String
    package let secretKey: String

    /// Draws a new pair.
    ///
    /// - Throws: where libzmq was built without CURVE.
    package static func generate() throws(ZeroMQError) -> CurveKeys {
        var (open, secret) = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
        guard zmq_has("curve") == 1, zmq_curve_keypair(&open, &secret) == 0 else {
            throw .last("make CURVE keys: this libzmq has no CURVE")
        }
        return CurveKeys(publicKey: text(open), secretKey: text(secret))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension CurveKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "CURVE keys, the public one \(publicKey)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
