import CMessagePack
import Testing

@testable import KraitWire

@Suite struct RandomValueTests {
    @Test(arguments: Codec.allCases)
    func `values read back as they were written`(_ codec: Codec) throws {
        for seed in 0..<3_000 {
            var random = SeededGenerator(seed: UInt64(seed))
            let value = random.value()
            let bytes = try codec.encode(value)
            let read = try codec.decode(bytes)
            try #require(isIdentical(read, value), "seed \(seed)")
            try #require(try codec.encode(read) == bytes, "seed \(seed)")
            try #require(bytes.count <= codec.bound(of: value), "seed \(seed)")
        }
    }

    @Test(arguments: Codec.allCases)
    func `changed bytes give a value or a typed error`(_ codec: Codec) throws {
        var refused = 0
        for seed in 0..<6_000 {
            var random = SeededGenerator(seed: UInt64(seed))
            var bytes = try codec.encode(random.value())
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
            switch result(codec, bytes) {
            case .success(let value):
                let again = try codec.decode(try codec.encode(value))
                try #require(isIdentical(again, value), "seed \(seed)")
            case .failure(let error):
                refused += 1
                try #require(error.name == "malformed_body", "seed \(seed): \(error)")
            }
        }
        // Else the changes would not be worth their name.
        #expect(refused > 1_000 && refused < 6_000)
    }

    @Test(arguments: Codec.allCases)
    func `random bytes give a value or a typed error`(_ codec: Codec) {
        for seed in 0..<5_000 {
            var random = SeededGenerator(seed: UInt64(seed))
            let bytes = random.bytes(upTo: 64)
            if case .failure(let error) = result(codec, bytes) {
                #expect(error.name == "malformed_body")
            }
        }
    }

    @Test func `frames of random bytes behind a header give envelopes or a typed error`() {
        for seed in 0..<5_000 {
            var random = SeededGenerator(seed: UInt64(seed))
            var frame = EnvelopeHeader.bodyless(.drain) + random.bytes(upTo: 60)
            mutate(&frame, &random)
            frame.withUnsafeBytes { frame in
                var reader = EnvelopeReader(frame)
                var count = 0
                do throws(WireError) {
                    while try reader.next() != nil { count += 1 }
                } catch {
                    #expect(!error.description.isEmpty)
                }
                #expect(count <= 4)
            }
        }
    }

    @Test func `msgpack-c reads what was written, to the last byte`() throws {
        for seed in 0..<500 {
            var random = SeededGenerator(seed: UInt64(seed))
            let bytes = try Codec.messagePack.encode(random.value())
            var zone = msgpack_zone()
            msgpack_zone_init(&zone, 2_048)
            defer { msgpack_zone_destroy(&zone) }
            var object = msgpack_object()
            var offset = 0
            let status = bytes.withUnsafeBytes { bytes in
                msgpack_unpack(
                    bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                    bytes.count,
                    &offset,
                    &zone,
                    &object
                )
            }
            try #require(status == MSGPACK_UNPACK_SUCCESS, "seed \(seed)")
            try #require(offset == bytes.count, "seed \(seed)")
        }
    }

    private func result(_ codec: Codec, _ bytes: [UInt8]) -> Result<Value, WireError> {
        do throws(WireError) { return .success(try codec.decode(bytes)) } catch {
            return .failure(error)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard let place = bytes.indices.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default: bytes.removeLast(bytes.count - place)
        }
    }
}
