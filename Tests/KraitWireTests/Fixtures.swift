import Foundation
import Testing

@testable import KraitWire

/// The fixtures both sides read, taken apart by Foundation so that nothing here tests itself.
enum Fixtures {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func values() throws -> [ValueFixture] {
        try lines("values").map { line in
            ValueFixture(
                name: try get(line, "name"),
                value: try value(try get(line, "value")),
                json: try get(line, "json"),
                messagePack: try bytes(get(line, "msgpack"))
            )
        }
    }

    static func refused() throws -> [RefusedFixture] {
        try lines("refused").map { line in
            guard let codec = Codec(name: try get(line, "codec")) else {
                throw Failure(description: "no such codec")
            }
            return RefusedFixture(
                name: try get(line, "name"),
                codec: codec,
                bytes: try bytes(get(line, "bytes")),
                reason: try get(line, "reason")
            )
        }
    }

    static func attachments() throws -> [AttachmentFixture] {
        try lines("attachments").map { line in
            let frames: [[Any]] = try get(line, "attachments")
            let isRefused = line["refused"] != nil
            return AttachmentFixture(
                name: try get(line, "name"),
                value: isRefused ? Optional<Value>.none : try value(try get(line, "value")),
                bodies: isRefused
                    ? try refusedBody(line)
                    : [
                        .json: Array((try get(line, "json") as String).utf8),
                        .messagePack: try bytes(get(line, "msgpack")),
                    ],
                frames: try frames.map(repeated)
            )
        }
    }

    private static func refusedBody(_ line: [String: Any]) throws -> [Codec: [UInt8]] {
        guard let codec = Codec(name: try get(line, "codec")) else {
            throw Failure(description: "no such codec")
        }
        return [codec: try bytes(get(line, "bytes"))]
    }

    private static func repeated(_ pair: [Any]) throws -> [UInt8] {
        guard let hex = pair.first as? String, let count = pair.last as? Int else {
            throw Failure(description: "no byte and count")
        }
        return [UInt8](repeating: try bytes(hex)[0], count: count)
    }

    static func envelopes() throws -> [EnvelopeFixture] {
        try lines("envelopes").map { line in
            let headers = line["headers"] as? [[String: Any]]
            return EnvelopeFixture(
                name: try get(line, "name"),
                bytes: try bytes(get(line, "bytes")),
                headers: try headers?.map(header),
                bodies: try (line["bodies"] as? [String])?.map(bytes),
                error: line["error"] as? String
            )
        }
    }

    /// The texts of JSONTestSuite, and whether they are to be read.
    static func jsonTestSuite() throws -> [(name: String, body: [UInt8], isRead: Bool)] {
        try lines("json_test_suite").map { line in
            let repeated = line["repeat"] as? [Any] ?? []
            let unit = try bytes(repeated.first as? String ?? "")
            let times = repeated.last as? Int ?? 0
            let rest = try bytes(get(line, "bytes"))
            let verdict: String = try get(line, "verdict")
            return (
                try get(line, "name"), Array(repeatElement(unit, count: times).joined()) + rest,
                verdict == "read"
            )
        }
    }

    /// The values of msgpack-test-suite, each with the bodies that are read as it.
    static func messagePackTestSuite() throws -> [(name: String, value: Value, bodies: [[UInt8]])] {
        try lines("msgpack_test_suite").map { line in
            let bodies: [String] = try get(line, "msgpack")
            return (try get(line, "name"), try value(get(line, "value")), try bodies.map(bytes))
        }
    }

    private static func header(_ line: [String: Any]) throws -> EnvelopeHeader {
        let name: String = try get(line, "kind")
        guard let kind = EnvelopeKind.allCases.first(where: { $0.name == name }) else {
            throw Failure(description: "no such kind: \(name)")
        }
        return EnvelopeHeader(
            kind,
            codec: (line["codec"] as? String).flatMap { Codec(name: $0) },
            attachments: UInt16(try get(line, "attachments") as Int),
            callID: try number(get(line, "call_id")),
            bodyLength: UInt32(try get(line, "body_length") as Int),
            remaining: UInt32(try get(line, "remaining") as Int)
        )
    }

    private static func value(_ tagged: [String: Any]) throws -> Value {
        if tagged["null"] != nil { return .null }
        if let flag = tagged["bool"] as? Bool { return .bool(flag) }
        if let digits = tagged["int"] as? String {
            return try Int64(digits).map(Value.int) ?? Value(number(digits) as UInt64)
        }
        if let digits = tagged["float"] as? String { return .double(try number(digits)) }
        if let text = tagged["text"] as? String { return .string(text) }
        if let hex = tagged["bytes"] as? String { return .bytes(try bytes(hex)) }
        if let pair = tagged["repeat"] as? [Any] { return .bytes(try repeated(pair)) }
        if let time = tagged["time"] as? [String: Any] {
            let nanoseconds: Int = try get(time, "nanoseconds")
            let seconds: Int64 = try number(get(time, "seconds"))
            return .timestamp(Timestamp(seconds: seconds, nanoseconds: UInt32(nanoseconds)))
        }
        if let elements = tagged["list"] as? [[String: Any]] {
            return .list(try elements.map(value))
        }
        let pairs: [[Any]] = try get(tagged, "map")
        let entries = try pairs.map { pair -> ValueMap.Entry in
            guard let key = pair.first as? String, let tagged = pair.last as? [String: Any] else {
                throw Failure(description: "not a pair")
            }
            return (key, try value(tagged))
        }
        return .map(ValueMap(uniqueEntries: entries))
    }

    private static func lines(_ name: String) throws -> [[String: Any]] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = tests.appendingPathComponent("Fixtures/Wire/\(name).jsonl")
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { line in
            guard let line = try JSONSerialization.jsonObject(with: line) as? [String: Any] else {
                throw Failure(description: "a line that is no object")
            }
            return line
        }
    }

    private static func get<T>(_ line: [String: Any], _ key: String) throws -> T {
        guard let value = line[key] as? T else { throw Failure(description: "no \(key)") }
        return value
    }

    private static func number<T: LosslessStringConvertible>(_ digits: String) throws -> T {
        guard let number = T(digits) else { throw Failure(description: "no number: \(digits)") }
        return number
    }

    private static func bytes(_ hex: String) throws -> [UInt8] {
        let digits = Array(hex.utf8).map { UInt8(Character(Unicode.Scalar($0)).hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

struct ValueFixture: CustomTestStringConvertible {
    let name: String
    let value: Value
    let json: String
    let messagePack: [UInt8]
    var testDescription: String { name }
}

struct RefusedFixture: CustomTestStringConvertible {
    let name: String
    let codec: Codec
    let bytes: [UInt8]
    let reason: String
    var testDescription: String { "\(codec.name): \(name)" }
}

struct AttachmentFixture: CustomTestStringConvertible {
    let name: String
    /// Nil where the body is to be refused.
    let value: Value?
    let bodies: [Codec: [UInt8]]
    let frames: [[UInt8]]
    var testDescription: String { name }
}

struct EnvelopeFixture: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let headers: [EnvelopeHeader]?
    let bodies: [[UInt8]]?
    let error: String?
    var testDescription: String { name }
}
