import KraitObservability

/// The derived schemas of Swift types, each derived once.
///
/// A program has as many types as it has; only generic ones can be without number, and so the table
/// has a limit, behind which schemas are derived anew.
enum TypedSchemas {
    private static let limit = 4_096
    private static let known = Lock<[ObjectIdentifier: Result<Schema, SchemaError>]>([:])

    static func schema<S: Signature>(of signature: S.Type) throws(SchemaError) -> Schema {
        let key = ObjectIdentifier(signature)
        if let schema = known.withLock({ $0[key] }) { return try schema.get() }
        // Outside of the lock: deriving runs the types' own decoding.
        let result = Result { () throws(SchemaError) in try Schema(derivedFrom: signature) }
        known.withLock { if $0.count < limit { $0[key] = result } }
        return try result.get()
    }
}
