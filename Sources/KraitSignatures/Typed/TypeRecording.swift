/// Learns the fields of Codable types by decoding placeholders and noting what is asked for.
///
/// One recording serves one signature: the models that its types name are declared once each, in
/// the order in which they are complete.
final class TypeRecording {
    private(set) var declarations: [TypeDeclaration] = []
    private var resolved: [ObjectIdentifier: TypeExpression] = [:]
    private var made: [ObjectIdentifier: Any] = [:]
    private var open: Set<ObjectIdentifier> = []
    private var names: Set<String> = TypeRecording.takenNames

    /// As many types as a worker takes in one signature; more are a mistake, such as a generic type
    /// that nests itself.
    static let typeLimit = 64

    typealias NamedType = (name: String, type: TypeExpression)

    /// The fields of a struct.
    func fields<T: Decodable>(of type: T.Type) throws(SchemaError) -> [NamedType] {
        let recorder = try record(type)
        guard recorder.isStruct else {
            throw Self.unsupported(type, "does not decode as a struct with properties")
        }
        return recorder.fields
    }

    /// What a Swift type is in a signature.
    func type<T: Decodable>(of type: T.Type) throws(SchemaError) -> TypeExpression {
        if let known = KnownTypes.find(type) { return known.type }
        if let recorded = type as? any RecordedType.Type { return try recorded.record(in: self) }
        if let known = resolved[ObjectIdentifier(type)] { return known }
        if let cases = Self.cases(of: type) {
            let enumeration = try enumeration(type, cases)
            resolved[ObjectIdentifier(type)] = enumeration
            return enumeration
        }
        return try model(type)
    }

    /// An instance to go on decoding with.
    func placeholder<T: Decodable>(of type: T.Type) throws(SchemaError) -> T {
        if let value = KnownTypes.find(type)?.placeholder as? T { return value }
        if let recorded = type as? any RecordedType.Type, let value = recorded.placeholder as? T {
            return value
        }
        if let value = made[ObjectIdentifier(type)] as? T { return value }
        if let first = Self.cases(of: type)?.first as? T { return first }
        guard !open.contains(ObjectIdentifier(type)) else {
            throw Self.unsupported(type, "contains itself without an optional or a list between")
        }
        _ = try record(type)
        guard let value = made[ObjectIdentifier(type)] as? T else {
            throw Self.unsupported(type, "cannot be made without values")
        }
        return value
    }

    /// Decodes a type from nothing, and keeps the instance as its placeholder.
    private func record<T: Decodable>(_ type: T.Type) throws(SchemaError) -> RecordingDecoder {
        guard open.count < Self.typeLimit, declarations.count < Self.typeLimit else {
            throw Self.unsupported(type, "nests more than \(Self.typeLimit) types")
        }
        let id = ObjectIdentifier(type)
        open.insert(id)
        defer { open.remove(id) }
        let decoder = RecordingDecoder(self)
        do {
            made[id] = try T(from: decoder)
            return decoder
        } catch let error as SchemaError {
            throw error
        } catch {
            throw Self.unsupported(type, "refuses placeholders when it is decoded")
        }
    }

    static func unsupported(_ type: any Any.Type, _ reason: String) -> SchemaError {
        SchemaError(
            .unsupportedSwiftType,
            "no schema can be derived from `\(type)`: it \(reason)",
            remedy: "use structs, lists, dictionaries with text keys, optionals, numbers, text and "
                + "CaseIterable enums, or give the signature its own `static var schema`"
        )
    }
}

// MARK: - Structs

extension TypeRecording {
    private func model<T: Decodable>(_ type: T.Type) throws(SchemaError) -> TypeExpression {
        // A type that contains itself meets its own name.
        let name = freshName(for: type)
        let id = ObjectIdentifier(type)
        resolved[id] = .declared(name)
        let recorder = try record(type)
        // A type around one value, such as an identifier around text, is that value.
        if let inner = recorder.single {
            names.remove(name)
            resolved[id] = inner
            return inner
        }
        guard recorder.isStruct else {
            throw Self.unsupported(type, "decodes as something else than a struct")
        }
        var fields: [TypeDeclaration.ModelField] = []
        for (field, fieldType) in recorder.fields {
            guard let source = fieldType.source else {
                throw Self.unsupported(type, "has a property without a Python type")
            }
            fields.append(.init(field, type: source))
        }
        declarations.append(.model(name, fields))
        return .declared(name)
    }

    /// The type's name, made unlike all others.
    private func freshName(for type: any Any.Type) -> String {
        let letters = "\(type)".unicodeScalars.map { scalar in
            scalar.isASCII && Ascii.continuesName(UInt8(scalar.value)) ? Character(scalar) : "_"
        }
        var base = String(String(letters).drop { $0 == "_" || $0.isNumber })
        if base.isEmpty { base = "Model" }
        var name = base
        var number = 2
        while !names.insert(name).inserted {
            name = "\(base)\(number)"
            number += 1
        }
        return name
    }

    /// Names that a declaration would hide from the signature's own text.
    private static let takenNames: Set<String> = [
        "Any", "None", "Union", "Literal", "Optional", "Field", "dspy", "datetime",
    ]
}

// MARK: - Enums

extension TypeRecording {
    /// All cases of an enum that lists them; nil for other types.
    private static func cases(of type: any Any.Type) -> [Any]? {
        func all<T: CaseIterable>(_ type: T.Type) -> [Any] { type.allCases.map { $0 } }
        return (type as? any CaseIterable.Type).map { all($0) }
    }

    /// `Literal[…]` of the raw values; an enumeration where one of them is negative.
    private func enumeration(_ type: any Any.Type, _ cases: [Any]) throws(SchemaError)
        -> TypeExpression
    {
        guard !cases.isEmpty else { throw Self.unsupported(type, "is an enum without cases") }
        var values: [LiteralValue] = []
        for one in cases {
            guard let representable = one as? any RawRepresentable,
                let raw = Self.rawValue(of: representable)
            else {
                throw Self.unsupported(type, "is an enum without text or integers as raw values")
            }
            values.append(raw)
        }
        if values.allSatisfy({ $0.source != nil }) { return .literal(values) }
        let name = freshName(for: type)
        declarations.append(
            .enumeration(
                name,
                zip(cases, values).map { .init("\($0)", value: $1.value) }
            )
        )
        return .declared(name)
    }

    private static func rawValue(of value: some RawRepresentable) -> LiteralValue? {
        switch value.rawValue {
        case let text as String: .string(text)
        case let number as any FixedWidthInteger: Int64(exactly: number).map(LiteralValue.int)
        default: nil
        }
    }
}
