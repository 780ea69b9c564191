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
        return CurveKeys(drawn: text(open), text(secret))
    }

    /// A pair that was drawn before; nil where the two do not belong together.
    package init?(publicKey: String, secretKey: String) {
        var derived = [CChar](repeating: 0, count: 41)
        guard secretKey.utf8.count == 40, zmq_curve_public(&derived, secretKey) == 0,
            Self.text(derived) == publicKey
        else { return nil }
        self.init(drawn: publicKey, secretKey)
    }

    private init(drawn publicKey: String, _ secretKey: String) {
        self.publicKey = publicKey
        self.secretKey = secretKey
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
