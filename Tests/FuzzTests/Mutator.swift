import KraitTestSupport

/// Makes inputs that nobody wrote out of some that somebody did: the same ones for the same seed.
///
/// Bytes are changed as well as pieces put in, so what comes out may be no UTF-8; `text` repairs it
/// as a program that reads input does.
struct Mutator {
    private(set) var random: SplitMix64
    private let seeds: [[UInt8]]
    private let pieces: [[UInt8]]
    /// The longest input made.
    private let maximum: Int

    init(seed: UInt64, seeds: Seeds, maximum: Int = 4_096) {
        random = SplitMix64(seed: seed)
        self.seeds = seeds.texts.map { Array($0.utf8.prefix(maximum)) }
        pieces = seeds.pieces.map { Array($0.utf8) }
        self.maximum = maximum
    }

    /// Seeds that are no text.
    init(seed: UInt64, bytes seeds: [[UInt8]], pieces: [[UInt8]], maximum: Int = 4_096) {
        random = SplitMix64(seed: seed)
        self.seeds = seeds
        self.pieces = pieces
        self.maximum = maximum
    }

    /// The next input.
    mutating func text() -> String {
        String(decoding: bytes(), as: UTF8.self)
    }

    /// The next input, of bytes.
    mutating func bytes() -> [UInt8] {
        changed(seeds.randomElement(using: &random) ?? [])
    }

    /// These bytes with a few changes.
    mutating func changed(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &random) { change(&bytes) }
        return Array(bytes.prefix(maximum))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, at + Int.random(in: 0...16, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
        case 1: bytes.replaceSubrange(at..<end, with: pieces.randomElement(using: &random) ?? [])
        case 2: bytes.removeSubrange(at..<end)
        case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 4: if at < bytes.count { bytes[at] = UInt8.random(in: .min ... .max, using: &random) }
        case 5: bytes.removeSubrange(at...)
        default: splice(&bytes, at)
        }
    }

    /// The beginning of one input and the end of another, or a piece many times over.
    private mutating func splice(_ bytes: inout [UInt8], _ at: Int) {
        if Bool.random(using: &random), let other = seeds.randomElement(using: &random) {
            let from = Int.random(in: 0...other.count, using: &random)
            bytes.replaceSubrange(at..., with: other[from...])
        } else if let piece = pieces.randomElement(using: &random) {
            let times = Int.random(in: 2...200, using: &random)
            bytes.insert(contentsOf: Array(repeating: piece, count: times).joined(), at: at)
        }
    }
}
