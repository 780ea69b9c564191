import KraitTestSupport
import KraitWire

/// Makes bodies and frames that are nearly right: values of the protocol's shapes, changed as
/// values before they are written, and as bytes after.
struct WireMutator {
    private var mutator: Mutator
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed ^ 0xC0DE)
        mutator = Mutator(seed: seed, bytes: [[]], pieces: Self.pieces)
    }

    /// What matters to a codec or to the header: heads of MessagePack, words of JSON, edges.
    private static let pieces: [[UInt8]] =
        [0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xA1, 0xBF].map { [$0] }
        + (0xC0...0xDF as ClosedRange<UInt8>).map { [$0] }
        + [
            [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xDF, 0, 1, 0, 0], [0xDB, 0x7F, 0xFF, 0xFF, 0xFF],
            [0xC6, 0, 0, 0, 2], [0xD6, 0xFF], [0xD7, 0xFF], [0xC7, 12, 0xFF], [0xC7, 0, 0xFF],
            [0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0xD3, 0x80, 0, 0, 0],
            [0xCA, 0x7F, 0xC0, 0, 0], [0xCB, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xC0, 0x80], [0xEF, 0xBB, 0xBF], [0], [0xFF],
            [0x4B, 0x52, 1, 4], [0x4B, 0x52], [0xFF, 0xFF, 0xFF, 0xFF], [1, 0, 0, 4],
        ]
        + [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000",
            "null",
            "true", "-", "-0", "0.0", "1e999", "1E-400", "18446744073709551616",
            "-9223372036854775809",
            "9223372036854775808", "NaN", "Infinity", "01", "1.", ".5", "+1", " ", "\n", "\t",
            "\u{0B}",
            "{\"$float\":\"nan\"}", "{\"$float\":\"-inf\"}", "{\"$bytes\":\"AA==\"}",
            "{\"$bytes\":\"AB==\"}", "{\"$bytes\":\"A\"}",
            "{\"$time\":\"2026-01-02T03:04:05.678Z\"}",
            "{\"$time\":\"0001-01-01T00:00:00Z\"}", "{\"$time\":\"2026-02-30T00:00:00Z\"}",
            "{\"$time\":\"2026-01-02T03:04:60Z\"}", "{\"$$bytes\":1}", "{\"$other\":1}", "\"$",
            "\"a\":1,\"a\":2", "é", "e\u{301}", "😀", "\u{7F}",
        ].map { Array($0.utf8) }

    // MARK: Values

    /// Any value, with a liking for edges and for the protocol's own words.
    mutating func value(depth: Int = 0) -> Value {
        switch Int.random(in: 0..<(depth < 4 ? 14 : 10), using: &random) {
        case 0: .null
        case 1: .bool(Bool.random(using: &random))
        case 2: Value(random.next() >> UInt64.random(in: 0..<64, using: &random))
        case 3: .int(Int64(bitPattern: random.next()) >> Int64.random(in: 0..<64, using: &random))
        case 4: .double(Double(bitPattern: random.next()))
        case 5: .double(Double(Int.random(in: -1_000...1_000, using: &random)) / 8)
        case 6, 7: .string(text())
        case 8: .bytes((0..<Int.random(in: 0...9, using: &random)).map { UInt8($0) })
        case 9: .timestamp(time())
        case 10, 11: .list((0..<count()).map { _ in value(depth: depth + 1) })
        default: .map(map(depth: depth))
        }
    }

    private mutating func count() -> Int { Int.random(in: 0...4, using: &random) }

    private mutating func map(depth: Int) -> ValueMap {
        var map = ValueMap()
        for _ in 0..<count() { map[text()] = value(depth: depth + 1) }
        return map
    }

    private static let words = [
        "", "a", "$bytes", "$$bytes", "$time", "$float", "$", "name", "token", "code", "raised",
        "é",
        "e\u{301}", "😀", "\u{0}", "\n", "\"", "\\", "x/0.1", "json", "msgpack", "running",
        "2026-01-02T03:04:05Z",
    ]

    private mutating func text() -> String {
        let word = Self.words.randomElement(using: &random) ?? ""
        guard Int.random(in: 0..<20, using: &random) == 0 else { return word }
        return String(repeating: word, count: Int.random(in: 1...400, using: &random))
    }

    private mutating func time() -> Timestamp {
        let edges: [Int64] = [-62_135_596_800, 253_402_300_799, 0, -1, 1 << 32, (1 << 34) - 1]
        let second = edges.randomElement(using: &random) ?? 0
        let parts: [UInt32] = [0, 1, 999_999_999, 1_000, 500_000_000]
        return Timestamp(seconds: second, nanoseconds: parts.randomElement(using: &random) ?? 0)
    }

    /// A body of the protocol with something in it changed: another value, a key less, a key more.
    mutating func varied(_ body: Value, depth: Int = 0) -> Value {
        if Int.random(in: 0..<(6 + depth * 4), using: &random) == 0 { return value(depth: 2) }
        switch body {
        case .map(let map):
            var varied = ValueMap()
            for (key, value) in map.entries where Int.random(in: 0..<24, using: &random) > 0 {
                varied[key] = self.varied(value, depth: depth + 1)
            }
            if Int.random(in: 0..<8, using: &random) == 0 { varied[text()] = value(depth: 3) }
            return .map(varied)
        case .list(let list):
            var varied = list.map { self.varied($0, depth: depth + 1) }
            if Int.random(in: 0..<40, using: &random) == 0, let first = varied.first {
                varied = Array(
                    repeating: first,
                    count: [0, 17, 65, 1_025].randomElement(using: &random) ?? 0
                )
            }
            return .list(varied)
        default: return body
        }
    }

    // MARK: Bytes

    /// A body in a codec, whole or changed; up to nine in ten are changed.
    mutating func body(_ codec: Codec) -> [UInt8] {
        let whole = (try? codec.encode(value())) ?? []
        return Int.random(in: 0..<10, using: &random) == 0 ? whole : mutator.changed(whole)
    }

    /// A value nested so deep that the limit is near.
    mutating func deep(_ codec: Codec) -> [UInt8] {
        let depth = Limits.nesting + Int.random(in: -3...3, using: &random)
        let asMap = Bool.random(using: &random)
        switch codec {
        case .json:
            let (open, close) = asMap ? ("{\"a\":", "}") : ("[", "]")
            let text = String(repeating: open, count: depth) + "1"
            return Array((text + String(repeating: close, count: depth)).utf8)
        case .messagePack:
            let head: [UInt8] = asMap ? [0x81, 0xA1, 0x61] : [0x91]
            return Array(repeating: head, count: depth).flatMap(\.self) + [1]
        }
    }

    /// A frame of envelopes, their headers' fields set to edges here and there.
    mutating func frame() -> [UInt8] {
        var frame: [UInt8] = []
        for _ in 0...Int.random(in: 0...3, using: &random) { frame += envelope() }
        if Int.random(in: 0..<4, using: &random) == 0 { frame = mutator.changed(frame) }
        if Int.random(in: 0..<6, using: &random) == 0 {
            frame.removeLast(Int.random(in: 0...frame.count, using: &random))
        }
        return frame
    }

    private mutating func envelope() -> [UInt8] {
        let codec: Codec = Bool.random(using: &random) ? .json : .messagePack
        let body = body(codec)
        var bytes = [UInt8](repeating: 0, count: EnvelopeHeader.size)
        let header = EnvelopeHeader(
            EnvelopeKind.allCases.randomElement(using: &random) ?? .reply,
            codec: body.isEmpty ? nil : codec,
            callID: random.next() >> UInt64.random(in: 0..<64, using: &random),
            bodyLength: UInt32(body.count)
        )
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        if Int.random(in: 0..<4, using: &random) == 0 {
            let edges: [[UInt8]] = [
                [0], [1], [2], [3], [4], [6], [0xFF], [0xFF, 0xFF], [0, 0, 0, 4], [1, 0, 0, 4],
                [0xFF, 0xFF, 0xFF, 0xFF],
            ]
            let edge = edges.randomElement(using: &random) ?? [0]
            let at = Int.random(in: 0...(bytes.count - edge.count), using: &random)
            bytes.replaceSubrange(at..<(at + edge.count), with: edge)
        }
        return bytes + body
    }

    /// A value with large bytes and tensors among others, for what goes beside bodies.
    mutating func large() -> Value {
        let count = Int.random(in: 1...3, using: &random)
        return .list(
            (0..<count).map { _ in
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    let byte = UInt8(truncatingIfNeeded: random.next())
                    return .bytes([UInt8](repeating: byte, count: Limits.inlineBytes + 1))
                case 1:
                    let numbers = (0..<number(in: 0...40)).map(Double.init)
                    let tensor = try? Tensor(numbers, shape: [numbers.count])
                    return tensor.map(Value.tensor) ?? .null
                default: return value(depth: 2)
                }
            }
        )
    }

    /// These bytes with a few changes.
    mutating func changed(_ bytes: [UInt8]) -> [UInt8] { mutator.changed(bytes) }

    /// Something between so and so many.
    mutating func number(in range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &random)
    }
}
