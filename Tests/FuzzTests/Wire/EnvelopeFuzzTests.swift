import Testing

@testable import KraitWire

/// Envelopes with something beside them, whole and compressed, of every kind that carries a value.
@Suite struct EnvelopeFuzzTests {
    /// An envelope as it might arrive.
    private struct Arrival: Sendable {
        var bytes: [UInt8]
        var attachments: [[UInt8]]
    }

    private static let kinds: [EnvelopeKind] = [
        .call, .reply, .end, .chunk, .toolCall, .toolReply, .fault,
    ]
    /// What comes beside an envelope has at most so many bytes when it is raw.
    private static let limit = 4 * Limits.inlineBytes

    /// An envelope, compressed or not, of which nine in ten are changed somewhere.
    private static func arrival(_ mutator: inout WireMutator) -> Arrival {
        let codec: Codec = mutator.number(in: 0...1) == 0 ? .json : .messagePack
        let kind = kinds[mutator.number(in: 0...(kinds.count - 1))]
        let value: Value =
            switch kind {
            case .toolCall: ["search", ["a": mutator.large()]]
            case .toolReply: [.bool(mutator.number(in: 0...3) > 0), mutator.large()]
            default: mutator.large()
            }
        guard let whole = try? codec.gatherEnvelope(kind, callID: 7, number: 1, value) else {
            return Arrival(bytes: [], attachments: [])
        }
        let storages = whole.attachments.map(\.storage)
        var arrival = Arrival(bytes: whole.bytes, attachments: storages.map(\.array))
        let choice = mutator.number(in: 0...3)
        if let compression = Compression(rawValue: UInt8(choice)),
            let packed = CompressionRule(compression, least: 0)
                .apply(to: whole.bytes, with: storages)
        {
            arrival = Arrival(
                bytes: packed.bytes,
                attachments: packed.attachments.map(\.array)
            )
        }
        switch mutator.number(in: 0...9) {
        case 0: break
        case 1...4: arrival.bytes = mutator.changed(arrival.bytes)
        case 5 where !arrival.attachments.isEmpty: arrival.attachments.removeLast()
        case 6: arrival.attachments.append([0, 0, 0, 0, 0, 0, 0, 0, 1])
        default:
            for index in arrival.attachments.indices {
                // The head is where the lengths are; the rest is long.
                let head = mutator.changed(Array(arrival.attachments[index].prefix(400)))
                arrival.attachments[index].replaceSubrange(
                    ..<min(400, arrival.attachments[index].count),
                    with: head
                )
            }
        }
        return arrival
    }

    @Test(arguments: FuzzRun.parts)
    func `any envelope with what is beside it is read, or refused within its bounds`(
        part: UInt64
    ) {
        FuzzRun.each(part, Self.arrival) { arrival in
            var reader: EnvelopeReader?
            arrival.bytes.withUnsafeBytes { bytes in
                reader = EnvelopeReader(bytes)
                while let (header, body) = try? reader?.next() {
                    let envelope = ReceivedEnvelope(
                        header: header,
                        frame: ArrayBytes(arrival.bytes),
                        body: body,
                        attachments: arrival.attachments.map(ArrayBytes.init),
                        sender: "a"
                    )
                    do throws(WireError) {
                        let value = try envelope.decodeBody(limit: Self.limit)
                        guard let codec = header.codec else { continue }
                        let again = try codec.encodeGathering(value)
                        let beside = again.attachments.reduce(0) { $0 + $1.storage.count }
                        // Uncompressed ones have come already, so nothing is held against them.
                        let isRaw = header.flags.compression == nil
                        #expect(isRaw || beside <= Self.limit + again.attachments.count * 64)
                    } catch {
                        if case .malformedBody(_, let reason) = error {
                            #expect(!reason.isEmpty)
                        } else if case .unserialisable = error {
                            Issue.record("what was read cannot be written: \(error)")
                        }
                    }
                }
            }
        }
    }
}
