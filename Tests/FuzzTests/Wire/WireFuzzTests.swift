import KraitWire
import Testing

/// Any bytes at all may come from a peer: each reader gives a value or a typed error, soon.
@Suite struct WireFuzzTests {
    @Test(arguments: FuzzRun.parts)
    func `any bytes are a JSON body, which reads back the same, or are refused`(part: UInt64) {
        FuzzRun.each(part, { $0.number(in: 0...9) == 0 ? $0.deep(.json) : $0.body(.json) }) {
            checkBody($0, .json)
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any bytes are a MessagePack body, which reads back the same, or are refused`(
        part: UInt64
    ) {
        FuzzRun.each(
            part,
            { $0.number(in: 0...9) == 0 ? $0.deep(.messagePack) : $0.body(.messagePack) }
        ) { checkBody($0, .messagePack) }
    }

    /// What is read can be written in both codecs, and is the same when it is read again.
    private func checkBody(_ bytes: [UInt8], _ codec: Codec) {
        let value: Value
        do throws(WireError) {
            value = try codec.decode(bytes)
        } catch {
            if case .malformedBody(_, let reason) = error { return #expect(!reason.isEmpty) }
            Issue.record("\(error)")
            return
        }
        for other in Codec.allCases {
            do throws(WireError) {
                let again = try other.decode(try other.encode(value))
                if !value.isSame(as: again) { Issue.record("\(codec) to \(other): \(bytes)") }
            } catch {
                Issue.record("\(codec) to \(other): \(error): \(bytes)")
            }
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any frame is envelopes within its bounds, or is refused`(part: UInt64) {
        FuzzRun.each(part, { $0.frame() }) { frame in
            var end = 0
            frame.withUnsafeBytes { bytes in
                var reader = EnvelopeReader(bytes)
                do throws(WireError) {
                    while let (header, body) = try reader.next() {
                        #expect(body.lowerBound == end + EnvelopeHeader.size)
                        #expect(
                            body.count == Int(header.bodyLength) && body.upperBound <= frame.count
                        )
                        var again = [UInt8](repeating: 0, count: EnvelopeHeader.size)
                        again.withUnsafeMutableBytes { header.write(to: $0) }
                        #expect(again == Array(frame[end..<body.lowerBound]))
                        end = body.upperBound
                        guard let codec = header.codec else { continue }
                        let part = UnsafeRawBufferPointer(rebasing: bytes[body])
                        _ = try? codec.decode(part)
                    }
                    #expect(end == frame.count)
                } catch {
                    #expect(!error.description.isEmpty && error.name != "unserialisable")
                }
            }
        }
    }

    // MARK: Bodies

    private static let hello: Value = [
        "versions": [1, 2], "name": "general/0.1~cafe", "token": "00ff", "pid": 4_711,
        "started": 12_345, "package": "0.4.0", "python": "3.11.2",
    ]
    private static let hostHello: Value = ["version": 1, "heartbeat_ms": 1_000, "codec": "msgpack"]
    private static let ready: Value = [
        "operations": [
            ["name": "echo", "kind": "inline", "doc": "x"], ["name": "b", "kind": "async"],
        ],
        "slots": 16, "resident_bytes": 1_048_576,
    ]
    private static let fault: Value = [
        "code": "raised", "type": "builtins.ValueError", "message": "é", "traceback": "line\n",
        "details": ["status": 429, "retry_after": 0.5],
    ]
    private static let heartbeat: Value = [
        "busy": 2, "running": [[16_777_216, 20], [16_777_217, 0]], "served": 9, "resident_bytes": 1,
    ]
    private static let call: Value = [
        "predict", ["a": [1, 2.0, nil]], ["session": "s", "lm": [:]],
    ]

    @Test(arguments: FuzzRun.parts)
    func `any body of the handshake, of a heartbeat or a fault is read or refused`(part: UInt64) {
        let bodies: [(Value, (Value) throws(WireError) -> Value)] = [
            (Self.hello, { (v) throws(WireError) in try WorkerHello(v).value }),
            (Self.hostHello, { (v) throws(WireError) in try HostHello(v).value }),
            (Self.ready, { (v) throws(WireError) in try Ready(v).value }),
            (Self.fault, { (v) throws(WireError) in try Fault(v).value }),
            (Self.heartbeat, { (v) throws(WireError) in try Heartbeat(v).value }),
            (["reason": "bye"], { (v) throws(WireError) in try Goodbye(v).value }),
            (
                Self.call,
                { (v) throws(WireError) in
                    let body = try CallBody(v)
                    return [.string(body.operation), .map(body.arguments), .map(body.options)]
                }
            ),
        ]
        FuzzRun.each(
            part,
            { mutator in
                let index = mutator.number(in: 0...(bodies.count - 1))
                return (index, mutator.varied(bodies[index].0))
            }
        ) { index, value in
            let read = bodies[index].1
            do throws(WireError) {
                let once = try read(value)
                // What was read is what is written; limits hold, so it is read again.
                if !once.isSame(as: try read(once)) { Issue.record("\(value)") }
            } catch {
                guard case .malformedBody(_, let reason) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(!reason.isEmpty)
            }
        }
    }
}

extension Value {
    /// Equal to the bit: NaN is NaN, `-0.0` is not `0.0`, and keys are in order.
    func isSame(as other: Value) -> Bool {
        switch (self, other) {
        case (.double(let left), .double(let right)):
            left.isNaN ? right.isNaN : left.bitPattern == right.bitPattern
        case (.list(let left), .list(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.map(let left), .map(let right)):
            left.count == right.count
                && zip(left.entries, right.entries).allSatisfy {
                    Array($0.key.utf8) == Array($1.key.utf8) && $0.value.isSame(as: $1.value)
                }
        default: self == other
        }
    }
}
