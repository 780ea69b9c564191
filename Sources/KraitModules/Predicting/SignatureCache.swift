import KraitObservability
import KraitSignatures
import KraitWire

/// What modules make of the signatures that calls bring: for one that comes again it is kept.
///
/// Bounded: where a new one finds no room, all are forgotten.
final class SignatureCache<Made: Sendable>: Sendable {
    private let known = Lock<[Value: Made]>([:])
    private let make: @Sendable (Schema) throws(PredictFailure) -> Made

    /// - Parameter make: what to make of a signature.
    init(_ make: @escaping @Sendable (Schema) throws(PredictFailure) -> Made) { self.make = make }

    /// What was made of an argument `signature`.
    ///
    /// - Throws: `.refused` where there is no such signature, `.delegated` where Python must read
    ///   it; whatever `make` throws.
    func find(_ value: Value) throws(PredictFailure) -> Made {
        if let made = known.withLock({ $0[value] }) { return made }
        let schema: Schema
        do {
            schema = try Schema(wireValue: value)
        } catch {
            throw PredictFailure(error)
        }
        let made = try make(schema)
        known.withLock { known in
            if known.count >= ModuleLimits.signatures { known.removeAll() }
            known[value] = made
        }
        return made
    }
}
