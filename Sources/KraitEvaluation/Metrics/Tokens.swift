/// The words of a text, as ranges of its UTF-8, each with a hash so that comparing is cheap.
struct Tokens: Sendable {
    let bytes: [UInt8]
    private(set) var words: [Word] = []

    struct Word: Sendable {
        var start: Int
        var end: Int
        var hash: UInt64

        var count: Int { end - start }
    }

    /// The words between blanks of a normalized text.
    init(_ text: NormalizedText) {
        bytes = text.bytes
        words.reserveCapacity(bytes.count / 4 + 1)
        var start = 0
        var hash = Self.seed
        bytes.withUnsafeBufferPointer { bytes in
            for (index, byte) in bytes.enumerated() {
                if byte == 0x20 {
                    words.append(Word(start: start, end: index, hash: hash))
                    start = index + 1
                    hash = Self.seed
                } else {
                    hash = Self.mix(hash, byte)
                }
            }
            if start < bytes.count {
                words.append(Word(start: start, end: bytes.count, hash: hash))
            }
        }
    }

    /// No words yet, of this text.
    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func append(_ range: Range<Int>) {
        let hash = bytes[range].reduce(Self.seed, Self.mix)
        words.append(Word(start: range.lowerBound, end: range.upperBound, hash: hash))
    }

    var count: Int { words.count }

    private static let seed: UInt64 = 0xCBF2_9CE4_8422_2325

    private static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    /// Whether a word here is a word there.
    func word(_ index: Int, equals other: Tokens, _ otherIndex: Int) -> Bool {
        let mine = words[index]
        let theirs = other.words[otherIndex]
        guard mine.hash == theirs.hash, mine.count == theirs.count else { return false }
        return bytes[mine.start..<mine.end].elementsEqual(other.bytes[theirs.start..<theirs.end])
    }
}

extension Tokens {
    /// The most words of either text for which each is compared with each.
    private static let smallCount = 48

    /// How many words both have, each as often as the one that has it less often.
    func overlap(with other: Tokens) -> Int {
        guard count <= Self.smallCount, other.count <= Self.smallCount else {
            return largeOverlap(with: other)
        }
        var used: UInt64 = 0
        var same = 0
        for index in 0..<count {
            for place in 0..<other.count where used & (1 << UInt64(place)) == 0 {
                guard word(index, equals: other, place) else { continue }
                used |= 1 << UInt64(place)
                same += 1
                break
            }
        }
        return same
    }

    private func largeOverlap(with other: Tokens) -> Int {
        var counts: [ArraySlice<UInt8>: Int] = [:]
        for word in words { counts[bytes[word.start..<word.end], default: 0] += 1 }
        var same = 0
        for word in other.words {
            let key = other.bytes[word.start..<word.end]
            guard let left = counts[key], left > 0 else { continue }
            counts[key] = left - 1
            same += 1
        }
        return same
    }

    /// Whether the words of another text stand here one after the other; linear.
    ///
    /// No words stand everywhere.
    func contains(_ other: Tokens) -> Bool {
        guard other.count > 0 else { return true }
        guard other.count <= count else { return false }
        // Knuth, Morris and Pratt: how much of the words is a beginning of them again.
        var borders = [0]
        for index in 1..<max(other.count, 1) {
            var length = borders[index - 1]
            while length > 0, !other.word(index, equals: other, length) {
                length = borders[length - 1]
            }
            borders.append(other.word(index, equals: other, length) ? length + 1 : 0)
        }
        var matched = 0
        for index in 0..<count {
            while matched > 0, !word(index, equals: other, matched) {
                matched = borders[matched - 1]
            }
            if word(index, equals: other, matched) { matched += 1 }
            if matched == other.count { return true }
        }
        return false
    }
}
