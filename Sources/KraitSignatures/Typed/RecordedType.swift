import Foundation
import KraitWire

/// Swift types that hold others: their parts are recorded without an instance.
protocol RecordedType {
    static func record(in recording: TypeRecording) throws(SchemaError) -> TypeExpression
    static var placeholder: Self { get }
}

extension Optional: RecordedType where Wrapped: Decodable {
    static func record(in recording: TypeRecording) throws(SchemaError) -> TypeExpression {
        .optional(try recording.type(of: Wrapped.self))
    }
    static var placeholder: Self { nil }
}

extension Array: RecordedType where Element: Decodable {
    static func record(in recording: TypeRecording) throws(SchemaError) -> TypeExpression {
        .list(of: try recording.type(of: Element.self))
    }
    static var placeholder: Self { [] }
}

/// A list too: the wire has no sets.
extension Set: RecordedType where Element: Decodable {
    static func record(in recording: TypeRecording) throws(SchemaError) -> TypeExpression {
        .list(of: try recording.type(of: Element.self))
    }
    static var placeholder: Self { [] }
}

extension Dictionary: RecordedType where Key: Decodable, Value: Decodable {
    static func record(in recording: TypeRecording) throws(SchemaError) -> TypeExpression {
        guard Key.self == String.self else {
            throw TypeRecording.unsupported(Self.self, "has keys that are not text")
        }
        return .dict(of: try recording.type(of: Value.self))
    }
    static var placeholder: Self { [:] }
}

/// Swift types that are Python types as they are.
enum KnownTypes {
    struct Known: Sendable {
        var type: TypeExpression
        var placeholder: any Sendable
    }

    static func find(_ type: any Any.Type) -> Known? { table[ObjectIdentifier(type)] }

    private static let table: [ObjectIdentifier: Known] = {
        var table: [ObjectIdentifier: Known] = [:]
        func add<T: Sendable>(_ type: TypeExpression, _ placeholder: T) {
            table[ObjectIdentifier(T.self)] = Known(type: type, placeholder: placeholder)
        }
        add(.str, "")
        add(.bool, false)
        add(.int, 0)
        add(.int, Int8(0))
        add(.int, Int16(0))
        add(.int, Int32(0))
        add(.int, Int64(0))
        add(.int, UInt(0))
        add(.int, UInt8(0))
        add(.int, UInt16(0))
        add(.int, UInt32(0))
        add(.int, UInt64(0))
        add(.float, 0.0)
        add(.float, Float(0))
        add(.bytes, Data())
        // The codecs carry it as bytes, not as a list of integers.
        add(.bytes, [UInt8]())
        add(.str, UUID())
        let datetime = DelegatedType(text: "datetime.datetime", rule: .module)
        add(.delegated(datetime), Date(timeIntervalSinceReferenceDate: 0))
        return table
    }()
}

extension LiteralValue {
    /// As a value that the wire carries; what it cannot carry is null.
    var value: Value {
        switch self {
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .float(let number): .double(number)
        case .string(let text): .string(text)
        case .bytes(let bytes): .bytes(bytes)
        case .none, .ellipsis, .imaginary, .largeInteger: .null
        }
    }
}
