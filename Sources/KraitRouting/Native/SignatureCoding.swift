import KraitSignatures
import KraitWire

/// Turns one side of a signature from its Swift type into a map of fields, and back.
package enum SignatureCoding {
    /// Why values do not fit: places, names and kinds, and never a value.
    package struct Misfit: Error, Hashable, CustomStringConvertible {
        package let description: String

        /// What a schema found.
        package init(_ error: SchemaError) { description = error.description }

        /// What coding found; what a type's own coding throws may quote a value, and is not passed
        /// on.
        init(_ error: any Error, _ type: any Any.Type) {
            description =
                (error as? ValueError)?.description ?? "the coding of \(type) itself refuses them"
        }

        package init(_ description: String) { self.description = description }
    }

    /// The fields that the value's properties are.
    package static func fields<T: Encodable>(of value: T) throws(Misfit) -> ValueMap {
        let encoded = try anyValue(of: value)
        guard let map = encoded.map else {
            throw Misfit("\(T.self) is \(encoded.kindName) and has no fields")
        }
        return map
    }

    /// The value in whatever form its type is written.
    package static func anyValue(of value: some Encodable) throws(Misfit) -> Value {
        do {
            return try ValueEncoder().encode(value)
        } catch {
            throw Misfit(error, type(of: value))
        }
    }

    /// What a value of any form is as this type.
    package static func read<T: Decodable>(
        _ type: T.Type,
        from value: Value
    ) throws(Misfit) -> T {
        do {
            return try ValueDecoder().decode(type, from: value)
        } catch {
            throw Misfit(error, type)
        }
    }

    /// The value whose properties the fields are; fields that the type does not have are left
    /// alone.
    package static func value<T: Decodable>(
        _ type: T.Type,
        of fields: ValueMap
    ) throws(Misfit) -> T {
        try read(type, from: .map(fields))
    }
}
