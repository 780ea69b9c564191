@testable import KraitWire

/// A generator that gives the same numbers for the same seed, on every machine (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

extension SeededGenerator {
    /// Any value that bodies carry, with a liking for the edges.
    mutating func value(depth: Int = 0) -> Value {
        switch Int.random(in: 0..<(depth < 5 ? 12 : 9), using: &self) {
        case 0: .null
        case 1: .bool(Bool.random(using: &self))
        case 2: Value(next() >> UInt64.random(in: 0..<64, using: &self))
        case 3: .int(Int64(bitPattern: next()) >> Int64.random(in: 0..<64, using: &self))
        case 4: .double(Double(bitPattern: next()))
        case 5: .double((Double.random(in: -1e6...1e6, using: &self) * 100).rounded() / 100)
        case 6: .string(text())
        case 7: .bytes(bytes(upTo: 40))
        case 8: .timestamp(time())
        case 9: .list(list(depth: depth))
        case 10: .map(map(depth: depth))
        default: .map(["$" + text(): value(depth: depth + 1)])
        }
    }

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        let count = Int.random(in: 0...limit, using: &self)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    private mutating func list(depth: Int) -> [Value] {
        let count = Int.random(in: 0...6, using: &self)
        return (0..<count).map { _ in value(depth: depth + 1) }
    }

    private mutating func map(depth: Int) -> ValueMap {
        var map = ValueMap()
        let most = depth < 2 ? 24 : 6
        for _ in 0..<Int.random(in: 0...most, using: &self) {
            map[text()] = value(depth: depth + 1)
        }
        return map
    }

    private mutating func text() -> String {
        var scalars = String.UnicodeScalarView()
        let most: UInt32 = [0x80, 0x24, 0x800, 0x11_0000].randomElement(using: &self) ?? 0x80
        for _ in 0..<Int.random(in: 0...20, using: &self) {
            let code = UInt32.random(in: 0..<most, using: &self)
            scalars.append(Unicode.Scalar(code) ?? "\u{301}")
        }
        return String(scalars)
    }

    private mutating func time() -> Timestamp {
        let nanoseconds: [UInt32] = [0, 1, 999_999_999, UInt32(next() % 1_000_000_000)]
        return Timestamp(
            seconds: Int64.random(in: -62_135_596_800...253_402_300_799, using: &self),
            nanoseconds: nanoseconds.randomElement(using: &self) ?? 0
        )
    }
}

/// Whether two values are the same to the bit: NaN is NaN, `-0.0` is not `0.0`, keys are in order.
func isIdentical(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.double(let left), .double(let right)):
        left.isNaN ? right.isNaN : left.bitPattern == right.bitPattern
    case (.string(let left), .string(let right)): Array(left.utf8) == Array(right.utf8)
    case (.list(let left), .list(let right)):
        left.count == right.count && zip(left, right).allSatisfy(isIdentical)
    case (.map(let left), .map(let right)):
        left.count == right.count
            && zip(left.entries, right.entries).allSatisfy {
                Array($0.key.utf8) == Array($1.key.utf8) && isIdentical($0.value, $1.value)
            }
    default: left == right
    }
}
