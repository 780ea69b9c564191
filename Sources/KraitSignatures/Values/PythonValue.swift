import KraitWire

// What this folder offers:
//
//     PythonValue                            what Python holds: .text is str(), .representation is
//                                            repr(), .typeName is type(value).__name__
//     PythonValue(wireValue), .wireValue     from and to what crosses the wire
//     PythonValue(tagged:)                   from the corpus's JSON with "$py" tags
//     PythonInstance                         an object of a class: enum members, models, datetimes
//     JSONText.read(_:)                      Python's json.loads
//     JSONText.write(_:indent:)              Python's json.dumps(ensure_ascii=False)
//     PromptValue.serialized(_:)             DSPy's serialize_for_json
//     PromptValue.format(_:isTextField:)     DSPy's format_field_value
//     ValueParser(types:).parse(_:as:)       DSPy's parse_value; the value is text or any other
//     TypeAdapter(types:).validate(_:as:)    pydantic's TypeAdapter(type).validate_python(value)
//     PythonLiteral.read(_:)                 ast.literal_eval
//
// All of them throw `ValueFailure`: `.raised` is an exception as Python would raise it,
// `.delegated` says by which rule only Python can answer.

/// A value as Python holds it.
///
/// Unlike the wire's `Value` it keeps what the wire folds together: tuples, sets, integers of any
/// size, keys that are not text.
package enum PythonValue: Sendable {
    case none
    case bool(Bool)
    /// An integer within `Int64`; larger ones are always `.largeInteger`.
    case int(Int64)
    /// The decimal digits of an integer beyond `Int64`, with a `-` where it is negative.
    case largeInteger(String)
    case float(Double)
    case complex(real: Double, imaginary: Double)
    case string(String)
    case bytes([UInt8])
    case ellipsis
    case list([PythonValue])
    case tuple([PythonValue])
    /// A set in the order in which Python iterates over it, where that is known.
    case set([PythonValue])
    case frozenset([PythonValue])
    case dict(PythonDict)
    /// An object of any other class.
    case object(PythonInstance)
}

extension PythonValue {
    /// The name of its class.
    package var typeName: String {
        switch self {
        case .none: "NoneType"
        case .bool: "bool"
        case .int, .largeInteger: "int"
        case .float: "float"
        case .complex: "complex"
        case .string: "str"
        case .bytes: "bytes"
        case .ellipsis: "ellipsis"
        case .list: "list"
        case .tuple: "tuple"
        case .set: "set"
        case .frozenset: "frozenset"
        case .dict: "dict"
        case .object(let instance): instance.className
        }
    }

    /// The text, or nil where this is not a string.
    package var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The dict, or nil where this is not one.
    package var dict: PythonDict? { if case .dict(let dict) = self { dict } else { nil } }

    /// The elements, or nil where this is not a list.
    package var list: [PythonValue]? { if case .list(let items) = self { items } else { nil } }

    /// An integer from decimal digits, perhaps behind a minus.
    package init(digits: some StringProtocol) {
        if let small = Int64(digits) {
            self = .int(small)
            return
        }
        let isNegative = digits.utf8.first == UInt8(ascii: "-")
        let significant = digits.utf8.drop {
            $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") || $0 == 0x30
        }
        let size = String(bytes: Array(significant))
        // Leading zeros may have hidden a small one.
        self =
            Int64((isNegative ? "-" : "") + (size.isEmpty ? "0" : size)).map(PythonValue.int)
            ?? .largeInteger((isNegative ? "-" : "") + size)
    }

    /// A `Literal`'s member as a value.
    package init(_ literal: LiteralValue) {
        self =
            switch literal {
            case .none: .none
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .largeInteger(let digits): .largeInteger(digits)
            case .float(let value): .float(value)
            case .imaginary(let value): .complex(real: 0, imaginary: value)
            case .string(let text): .string(text)
            case .bytes(let bytes): .bytes(bytes)
            case .ellipsis: .ellipsis
            }
    }
}

extension PythonValue {
    /// What a wire's value is on the Python side.
    package init(_ value: Value) {
        switch value {
        case .null: self = .none
        case .bool(let flag): self = .bool(flag)
        case .int(let integer): self = .int(integer)
        case .unsigned(let integer): self = PythonValue(digits: String(integer))
        case .double(let number): self = .float(number)
        case .string(let text): self = .string(text)
        case .bytes(let bytes): self = .bytes(bytes)
        case .timestamp(let time): self = .object(PythonInstance(time))
        case .table(let table): self = .string(table.description)
        case .tensor(let tensor): self = .string(tensor.description)
        case .list(let elements): self = .list(elements.map(PythonValue.init))
        case .map(let map):
            let entries = map.entries.map { (PythonValue.string($0.key), PythonValue($0.value)) }
            self = .dict(PythonDict(uniqueEntries: entries))
        }
    }

    /// As what it crosses the wire, or nil where the wire has nothing for it.
    ///
    /// Tuples and sets become lists, enum members and models what they are in JSON.
    package var wireValue: Value? {
        switch self {
        case .none: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let integer): return .int(integer)
        case .largeInteger(let digits): return UInt64(digits).map { .unsigned($0) }
        case .float(let number): return .double(number)
        case .string(let text): return .string(text)
        case .bytes(let bytes): return .bytes(bytes)
        case .complex, .ellipsis: return nil
        case .list(let items), .tuple(let items), .set(let items), .frozenset(let items):
            var values: [Value] = []
            values.reserveCapacity(items.count)
            for item in items {
                guard let value = item.wireValue else { return nil }
                values.append(value)
            }
            return .list(values)
        case .dict(let dict):
            var map: [(String, Value)] = []
            map.reserveCapacity(dict.count)
            for entry in dict.entries {
                guard let key = entry.key.string, let value = entry.value.wireValue else {
                    return nil
                }
                map.append((key, value))
            }
            return .map(ValueMap(map))
        case .object(let instance): return instance.json.wireValue
        }
    }
}
