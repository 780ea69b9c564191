import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitZeroMQ

/// Peers that are not who they say, or that nobody knows, beside one that is well behaved.
@Suite(.timeLimit(.minutes(1))) struct RoguePeerTests {
    @Test func `who takes a live worker's name is not heard and does not disturb it`() async throws
    {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let (worker, peer) = try await rig.connected("general/0.1~cafe", to: receiver)
            receiver.forget()
            let thief = try Dealer("general/0.1~cafe", to: rig.endpoint)
            for byte in UInt8(1)...50 { try thief.send([byte, byte]) }
            // What the real one sends comes, in order, and what is for it goes to it.
            for byte in UInt8(100)...110 { try worker.send([byte]) }
            #expect(await eventually { receiver.messages.count >= 11 })
            #expect(receiver.messages == (UInt8(100)...110).map { [[$0]] })
            try await rig.send([[7]], to: peer)
            #expect(await worker.receive() == [[7]])
            #expect(thief.receiveNow() == nil)
            #expect(receiver.failures.isEmpty)
        }
    }

    @Test func `a flood of strangers is told of in a few words, and others are served meanwhile`()
        async throws
    {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let reports = Lock<[Int]>([])
            await rig.courier.reportStrays(every: .milliseconds(200)) { count in
                reports.withLock { $0.append(count) }
            }
            let (worker, peer) = try await rig.connected("general/0.1~cafe", to: receiver)
            receiver.forget()
            let start = ContinuousClock.now
            let stranger = try Dealer("stranger", to: rig.endpoint)
            for number in 0..<100_000 {
                try stranger.send([UInt8(truncatingIfNeeded: number), 0x4B, 0x52, 1])
                if number % 10_000 == 0 {
                    try await rig.send([[9]], to: peer)
                    #expect(await worker.receive() == [[9]])
                }
            }
            #expect(await eventually { await rig.courier.strayMessages == 100_000 })
            #expect(await eventually { reports.withLock { $0.reduce(0, +) } == 100_000 })
            let most = Int(start.duration(to: .now) / .milliseconds(200)) + 2
            #expect(reports.withLock { $0.count } <= most)
            #expect(receiver.messages.isEmpty)
        }
    }

    @Test func `one stranger's message is told of at once`() async throws {
        try await CourierRig.run { rig in
            let reports = Lock<[Int]>([])
            await rig.courier.reportStrays(every: .seconds(60)) { count in
                reports.withLock { $0.append(count) }
            }
            let stranger = try Dealer("stranger", to: rig.endpoint)
            try stranger.send([1])
            #expect(await eventually { reports.withLock { $0 } == [1] })
            try stranger.send([2])
            #expect(await eventually { await rig.courier.strayMessages == 2 })
            // The second waits for the end of the minute.
            #expect(reports.withLock { $0 } == [1])
        }
    }

    @Test func `more frames than the limit are not kept`() async throws {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let (worker, _) = try await rig.connected("w", to: receiver)
            receiver.forget()
            try worker.send([[1]] + Array(repeating: [2], count: 5_000))
            try worker.send([3])
            #expect(await eventually { receiver.messages.count == 2 })
            #expect(receiver.frames.first?.1.count == 1_024)
            #expect(receiver.messages.last == [[3]])
        }
    }

    @Test(arguments: ["", "\u{0}", "w!", "W", " w", "w "])
    func `a name that is nearly a worker's is a stranger's`(name: String) async throws {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let (worker, _) = try await rig.connected("w", to: receiver)
            receiver.forget()
            let stranger = try Dealer(name, to: rig.endpoint)
            try stranger.send([1])
            #expect(await eventually { await rig.courier.strayMessages == 1 })
            try worker.send([2])
            #expect(await eventually { receiver.messages == [[[2]]] })
        }
    }
}
