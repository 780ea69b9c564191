import Glibc
import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitZeroMQ

@Suite(.timeLimit(.minutes(1))) struct CourierTests {
    /// Envelopes of this size whose first byte counts them.
    private static func envelopes(_ count: Int, of size: Int) -> [[UInt8]] {
        (0..<count).map { [UInt8($0 % 251)] + [UInt8](repeating: 7, count: size - 1) }
    }

    // MARK: Batches

    @Test(arguments: [
        (1, 100, [1]), (32, 100, [32]), (33, 100, [32, 1]), (100, 100, [32, 32, 32, 4]),
        (4, 20 << 10, [3, 1]), (2, 32 << 10, [2]), (3, 32 << 10, [2, 1]), (2, 100 << 10, [1, 1]),
    ])
    func `what is sent in one turn leaves in as few messages as the limits allow`(
        count: Int,
        size: Int,
        perMessage: [Int]
    ) async throws {
        try await CourierRig.run { rig in
            let (dealer, peer) = try await rig.connected("general/0.1")
            let envelopes = Self.envelopes(count, of: size)
            try await rig.send(envelopes, to: peer)
            let messages = await dealer.receive(perMessage.count)
            #expect(messages.map { $0.count / size } == perMessage)
            #expect(messages.flatMap(\.self) == envelopes.flatMap(\.self))
            #expect(await dealer.receive(within: .zero) == nil)
        }
    }

    @Test func `a large envelope goes alone, in its place`() async throws {
        try await CourierRig.run { rig in
            let (dealer, peer) = try await rig.connected("general/0.1")
            let sizes = [10, 10, 100 << 10, 10, 10]
            try await rig.send(sizes.map { [UInt8](repeating: 1, count: $0) }, to: peer)
            #expect(await dealer.receive(3).map(\.count) == [20, 100 << 10, 20])
        }
    }

    @Test func `each peer gets its own, and a later turn its own message`() async throws {
        try await CourierRig.run { rig in
            let (first, one) = try await rig.connected("general/0.1")
            let (second, two) = try await rig.connected("general/1.1")
            try await rig.turn { courier in
                for _ in 0..<3 {
                    courier.send([1], to: one)
                    courier.send([2], to: two)
                }
            }
            try await rig.send([[3]], to: one)
            #expect(await first.receive(2) == [[1, 1, 1], [3]])
            #expect(await second.receive(1) == [[2, 2, 2]])
        }
    }

    @Test func `what a courier holds when it closes is sent first`() async throws {
        for _ in 0..<20 {
            try await CourierRig.run { rig in
                let (dealer, peer) = try await rig.connected("general/0.1")
                try await rig.turn { courier in
                    courier.send([1, 2, 3], to: peer)
                    courier.close()
                }
                #expect(await dealer.receive(1) == [[1, 2, 3]])
            }
        }
    }

    // MARK: Receiving

    @Test func `messages reach the receiver of their peer, in order`() async throws {
        try await CourierRig.run { rig in
            let receivers = [Receiver(), Receiver()]
            let (first, _) = try await rig.connected("general/0.1", to: receivers[0])
            let (second, _) = try await rig.connected("general/0.1!", to: receivers[1])
            for number in 1...200 {
                try first.send([UInt8(number)])
                try second.send([UInt8(number), 9])
            }
            #expect(await eventually { receivers.allSatisfy { $0.messages.count == 201 } })
            #expect(receivers[0].messages.dropFirst() == (1...200).map { [[UInt8($0)]] }[...])
            #expect(receivers[1].messages.dropFirst() == (1...200).map { [[UInt8($0), 9]] }[...])
        }
    }

    @Test func `attachments come with their message, up to the limit`() async throws {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let (dealer, _) = try await rig.connected("general/0.1", to: receiver)
            try dealer.send([1], [2, 2], [], [3])
            let many = (0..<1_500).map { [UInt8($0 % 256)] }
            try dealer.send([[4]] + many)
            try dealer.send([5])
            #expect(await eventually { receiver.messages.count == 4 })
            let messages = receiver.messages
            #expect(messages[1] == [[1], [2, 2], [], [3]])
            #expect(messages[2] == [[4]] + many.prefix(1_024))
            #expect(messages[3] == [[5]], "what is beyond the limit does not spill over")
        }
    }

    @Test func `slices keep the memory of their frame alive`() async throws {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let (dealer, _) = try await rig.connected("general/0.1", to: receiver)
            var slices: [ReceivedFrame.Slice] = []
            do {
                // A short one lies within libzmq's message, a long one beside it.
                for size in [20, 200_000] {
                    try dealer.send((0..<size).map { UInt8($0 % 256) })
                }
                #expect(await eventually { receiver.frames.count == 3 })
                slices = receiver.frames.dropFirst().map { $0.0[5..<10] }
            }
            receiver.forget()
            for _ in 0..<2_000 { try dealer.send([UInt8](repeating: 255, count: 1_000)) }
            #expect(await eventually { receiver.frames.count == 2_000 })
            receiver.forget()
            for slice in slices {
                #expect(slice.count == 5)
                #expect(slice.withUnsafeBytes { Array($0) } == [5, 6, 7, 8, 9])
            }
        }
    }

    @Test func `messages of strangers are counted and dropped`() async throws {
        try await CourierRig.run { rig in
            let (known, _) = try await rig.connected("general/0.1")
            let stranger = try Dealer("someone/else", to: rig.endpoint)
            for _ in 0..<3 { try stranger.send([1]) }
            #expect(await eventually { await rig.courier.strayMessages == 3 })
            try known.send([1])
        }
    }

    @Test func `a message that is too large costs its sender the connection, and nobody else`()
        async throws
    {
        try await CourierRig.run(maximumMessage: 10_000) { rig in
            let receivers = [Receiver(), Receiver()]
            let (large, _) = try await rig.connected("general/0.1", to: receivers[0])
            let (small, _) = try await rig.connected("general/1.1", to: receivers[1])
            try large.send([UInt8](repeating: 1, count: 10_001))
            try small.send([UInt8](repeating: 1, count: 10_000))
            #expect(await eventually { receivers[1].messages.count == 2 })
            #expect(receivers[0].messages == [[[0]]])
        }
    }

    // MARK: Peers that are not there

    @Test func `a message to a peer that is not connected is reported`() async throws {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let peer = await rig.courier.connect("general/9.1", to: receiver)
            try await rig.send([[1], [2]], to: peer)
            #expect(
                await eventually { receiver.failures == ["general/9.1: it is not connected"] }
            )
            // And again, as long as nobody disconnects it.
            try await rig.send([[3]], to: peer)
            #expect(await eventually { receiver.failures.count == 2 })
        }
    }

    @Test func `who is told of a failure may send to others, and disconnect`() async throws {
        try await CourierRig.run { rig in
            let (dealer, living) = try await rig.connected("general/0.1")
            let courier = rig.courier
            let tickets = Lock<[Peer]>([])
            let receiver = Receiver {
                courier.assumeIsolated { courier in
                    for ticket in tickets.withLock({ $0 }) { courier.disconnect(ticket) }
                    courier.send([9], to: living)
                }
            }
            let dead = await [
                courier.connect("general/1.1", to: receiver),
                courier.connect("general/2.1", to: receiver),
            ]
            tickets.withLock { $0 = dead }
            try await rig.turn { courier in
                for peer in dead { courier.send([1], to: peer) }
            }
            #expect(await dealer.receive(1) == [[9]])
            #expect(receiver.failures.count == 1, "the second was disconnected by then")
            try await rig.send([[8]], to: living)
            #expect(await dealer.receive(1) == [[8]], "and the way stays open")
        }
    }

    @Test func `a peer that is disconnected is sent nothing, and is a stranger`() async throws {
        try await CourierRig.run { rig in
            let receiver = Receiver()
            let (dealer, peer) = try await rig.connected("general/0.1", to: receiver)
            try await rig.turn { courier in
                courier.send([1], to: peer)
                courier.disconnect(peer)
                courier.send([2], to: peer)
                courier.disconnect(peer)
            }
            try dealer.send([3])
            #expect(await eventually { await rig.courier.strayMessages == 1 })
            #expect(receiver.messages == [[[0]]])
            #expect(dealer.receiveNow() == nil)
        }
    }

    @Test func `an old ticket does not reach the peer that has taken its place`() async throws {
        try await CourierRig.run { rig in
            let old = await rig.courier.connect("general/0.1", to: Receiver())
            await rig.courier.disconnect(old)
            let receiver = Receiver()
            let (dealer, new) = try await rig.connected("general/0.2", to: receiver)
            try await rig.turn { courier in
                courier.send([1], to: old)
                courier.disconnect(old)
                courier.send([2], to: new)
            }
            #expect(await dealer.receive(1) == [[2]])
            try dealer.send([3])
            #expect(await eventually { receiver.messages.count == 2 })
        }
    }

    @Test func `connecting a name anew outlives the end of its older ticket`() async throws {
        try await CourierRig.run { rig in
            let old = await rig.courier.connect("general/0.1", to: Receiver())
            let receiver = Receiver()
            let (dealer, _) = try await rig.connected("general/0.1", to: receiver)
            await rig.courier.disconnect(old)
            try dealer.send([1])
            #expect(await eventually { receiver.messages == [[[0]], [[1]]] })
        }
    }

    // MARK: The endpoint

    @Test func `the socket's file is there until the courier closes`() async throws {
        try await CourierRig.run { rig in
            #expect(access(rig.file, F_OK) == 0)
            await rig.courier.close()
            #expect(access(rig.file, F_OK) != 0)
            await rig.courier.close()
            #expect(await rig.courier.strayMessages == 0, "closing twice does no harm")
        }
    }

    @Test func `an endpoint in use is a typed error, and stays its owner's`() async throws {
        try await CourierRig.run { rig in
            await #expect(throws: ZeroMQError(action: "bind \(rig.endpoint)", number: EADDRINUSE)) {
                _ = try await Courier.open(
                    on: rig.thread,
                    endpoint: rig.endpoint,
                    maximumMessage: 100,
                    batch: .init(envelopes: 1, bytes: 1)
                )
            }
            _ = try await rig.connected("general/0.1")
        }
    }

    @Test func `a file left behind by the dead is taken over`() throws {
        try withTemporaryDirectory { folder in
            let file = "\(folder)/router.sock"
            try leaveSocket(at: file)
            let socket = try RouterSocket(endpoint: "ipc://\(file)", maximumMessage: 100)
            #expect(socket.endpoint == "ipc://\(file)" && socket.descriptor >= 0)
            let dealer = try Dealer("somebody", to: socket.endpoint)
            try dealer.send([1])
        }
    }

    @Test(arguments: ["ipc:///nowhere/router.sock", "what://ever", ""])
    func `an endpoint that cannot be is a typed error that names it`(endpoint: String)
        async throws
    {
        try await IOThread.with { thread in
            do {
                _ = try await Courier.open(
                    on: thread,
                    endpoint: endpoint,
                    maximumMessage: 100,
                    batch: .init(envelopes: 1, bytes: 1)
                )
                Issue.record("it was bound")
            } catch let error as ZeroMQError {
                #expect("\(error)".hasPrefix("could not bind \(endpoint): "))
            }
        }
    }

    @Test func `a port in use is a typed error`() throws {
        let port = try TakenPort()
        let endpoint = "tcp://127.0.0.1:\(port.number)"
        #expect(throws: ZeroMQError(action: "bind \(endpoint)", number: EADDRINUSE)) {
            let keys = try CurveKeys.generate()
            _ = try RouterSocket(endpoint: endpoint, maximumMessage: 100, keys: keys)
        }
    }
}
