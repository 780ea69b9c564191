import KraitWire

extension Schema {
    /// Refuses inputs that do not fit: fields that are missing or unknown, values of the wrong
    /// type.
    ///
    /// Types are taken in pydantic's lax sense (`"1"` is an `int`), and only a certain misfit is
    /// refused; what only pydantic can tell is left to the worker, by the rules returned. An input
    /// without a type in the signature takes anything, one that may be `None` may be missing.
    @discardableResult
    public func validate(inputs values: ValueMap) throws(SchemaError) -> [DelegationRule] {
        try validate(values, against: inputs, of: .input, allowing: [])
    }

    /// The same for outputs.
    ///
    /// `allowing` names fields that may be there beside them, such as a chain of
    /// thought's `reasoning`.
    @discardableResult
    public func validate(outputs values: ValueMap, allowing: Set<String> = []) throws(SchemaError)
        -> [DelegationRule]
    {
        try validate(values, against: outputs, of: .output, allowing: allowing)
    }

    private func validate(
        _ values: ValueMap,
        against fields: [Field],
        of kind: FieldKind,
        allowing: Set<String>
    ) throws(SchemaError) -> [DelegationRule] {
        let table = GivenValues(values, for: fields)
        for key in values.keys where !allowing.contains(key) {
            try Self.check(key, in: fields, of: kind, given: table)
        }
        var fitting = ValueFitting(types)
        var rules: [DelegationRule] = []
        for field in fields {
            guard let value = table[field.name] else {
                if field.type.allowsNone { continue }
                throw SchemaError(
                    .missingField,
                    "the \(kind.rawValue) field is missing",
                    remedy: "give `\(field.name)` a value of type \(field.type.name)",
                    path: field.name
                )
            }
            if field.isTypeUndefined { continue }
            switch fitting.fit(value, field.type, at: field.name) {
            case .fits: continue
            case .undecided(let rule): if !rules.contains(rule) { rules.append(rule) }
            case .misfit(let path, let expected, let found):
                throw SchemaError(
                    .wrongType,
                    "expected \(expected), found \(found)",
                    remedy: "give a value of the type that the signature names",
                    path: path
                )
            }
        }
        return rules
    }

    private static func check(
        _ key: String,
        in fields: [Field],
        of kind: FieldKind,
        given: GivenValues
    ) throws(SchemaError) {
        guard !given.expects(key) else { return }
        let free = fields.lazy.map(\.name).filter { given[$0] == nil }
        let nearest = NearestName.find(key, among: free)
        let all = fields.prefix(8).map { "`\($0.name)`" }.joined(separator: ", ")
        throw SchemaError(
            .unknownField,
            "the signature has no \(kind.rawValue) field of this name",
            remedy: nearest.map { "did you mean `\($0)`?" }
                ?? "it has \(all.isEmpty ? "none" : all)",
            path: String(key.prefix(64))
        )
    }
}

/// The values of a call and the names it should have, with tables where there are so many that
/// searching them would be quadratic.
private struct GivenValues {
    private static let few = 16

    private let map: ValueMap
    private let fields: [Field]
    private let values: [String: Value]?
    private let names: Set<String>?

    init(_ map: ValueMap, for fields: [Field]) {
        self.map = map
        self.fields = fields
        let isSmall = map.count <= Self.few && fields.count <= Self.few
        values = isSmall ? nil : Dictionary(map.entries.map { ($0.key, $0.value) }) { $1 }
        names = isSmall ? nil : Set(fields.map(\.name))
    }

    subscript(name: String) -> Value? { values == nil ? map[name] : values?[name] }

    func expects(_ key: String) -> Bool {
        names?.contains(key) ?? fields.contains { $0.name == key }
    }
}
