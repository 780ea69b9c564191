import Testing

@testable import KraitWire

@Suite struct CompressionTests {
    private static let text = Array(String(repeating: "the same words again, ", count: 500).utf8)

    private func compress(_ bytes: [UInt8], _ compression: Compression) -> [UInt8]? {
        bytes.withUnsafeBytes { compression.compress($0) }
    }

    private func decompress(
        _ part: [UInt8],
        _ compression: Compression,
        limit: Int = Limits.partBytes
    ) throws -> [UInt8] {
        try part.withUnsafeBytes { bytes in
            try compression.decompress(bytes, limit: limit).array
        }
    }

    private func part(_ claim: UInt64, _ packed: some Sequence<UInt8>) -> [UInt8] {
        withUnsafeBytes(of: claim.littleEndian, Array.init) + packed
    }

    @Test(arguments: Compression.allCases)
    func `what is compressed comes back`(compression: Compression) throws {
        let packed = try #require(compress(Self.text, compression))
        #expect(packed.count < Self.text.count / 10)
        #expect(try decompress(packed, compression) == Self.text)
        #expect(try decompress(packed, compression, limit: Self.text.count) == Self.text)
    }

    @Test(arguments: Compression.allCases)
    func `what would not be smaller stays as it is`(compression: Compression) {
        var random = SeededGenerator(seed: 1)
        let noise = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for bytes in [[], [1], Array(1...9), noise] {
            #expect(compress(bytes, compression) == nil)
        }
    }

    @Test(arguments: Compression.allCases)
    func `a bomb is refused before memory is taken`(compression: Compression) throws {
        let bomb = try #require(compress([UInt8](repeating: 0, count: 4 << 20), compression))
        let error = #expect(throws: WireError.self) {
            try decompress(bomb, compression, limit: 1_024)
        }
        #expect(error?.description.contains("at most 1024") == true)
        for claim in [UInt64(Limits.partBytes), UInt64(Limits.partBytes) + 1, .max] {
            #expect(throws: WireError.self) {
                try decompress(part(claim, bomb[8..<24]), compression)
            }
        }
    }

    @Test(arguments: Compression.allCases)
    func `a length that lies is refused`(compression: Compression) throws {
        let packed = try #require(compress(Self.text, compression))
        for claim in [0, 1, Self.text.count - 1, Self.text.count + 1] {
            #expect(throws: WireError.self) {
                try decompress(part(UInt64(claim), packed[8...]), compression)
            }
        }
        for end in packed.indices {
            #expect(throws: WireError.self) {
                try decompress(Array(packed[..<end]), compression)
            }
        }
        #expect(throws: WireError.self) { try decompress(packed + [0, 1, 2, 3], compression) }
    }
}
