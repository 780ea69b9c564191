import KraitObservability
import KraitTestSupport
import Testing

@testable import KraitZeroMQ

/// TCP lets in whom it was told of, and nobody else.
@Suite(.timeLimit(.minutes(1))) struct CurveTests {
    /// A courier on a port of this machine, and its public key.
    private func withCourier(
        _ body: (Courier, _ endpoint: String, _ server: String) async throws -> Void
    ) async throws {
        try await IOThread.with { thread in
            let keys = try CurveKeys.generate()
            let courier = try await Courier.open(
                on: thread,
                endpoint: "tcp://127.0.0.1:*",
                maximumMessage: 1 << 20,
                batch: .init(envelopes: 32, bytes: 64 << 10),
                keys: keys
            )
            let endpoint = try #require(await courier.endpoint)
            #expect(!endpoint.hasSuffix("*"))
            do {
                try await body(courier, endpoint, keys.publicKey)
            } catch {
                await courier.close()
                throw error
            }
            await courier.close()
        }
    }

    @Test func `a peer whose key was handed out is heard and answered, its pulse too`() async throws
    {
        try await withCourier { courier, endpoint, server in
            let keys = try CurveKeys.generate()
            let receiver = Receiver()
            let peer = await courier.connect("w", to: receiver)
            _ = await courier.connect("w!", to: receiver)
            await courier.admit(keys.publicKey, as: "w")
            let worker = try Dealer("w", to: endpoint, server: server, keys: keys)
            let pulse = try Dealer("w!", to: endpoint, server: server, keys: keys)
            try worker.send([1], [2])
            #expect(await eventually { receiver.messages.contains([[1], [2]]) })
            try pulse.send([3])
            #expect(await eventually { receiver.messages.contains([[3]]) })
            await courier.send([4], to: peer)
            #expect(await worker.receive() == [[4]])
            #expect(await courier.refusedPeers == 0)
            #expect(await courier.strayMessages == 0)
        }
    }

    @Test func `nobody else gets or sends anything, and who is known is served meanwhile`()
        async throws
    {
        try await withCourier { courier, endpoint, server in
            let (keys, unknown) = (try CurveKeys.generate(), try CurveKeys.generate())
            let receiver = Receiver()
            let peer = await courier.connect("w", to: receiver)
            await courier.admit(keys.publicKey, as: "w")
            let plain = try Dealer("w", to: endpoint)
            let stranger = try Dealer("w", to: endpoint, server: server, keys: unknown)
            // Takes somebody else for Krait, and one has a public key without its secret half.
            let mistaken = try Dealer("w", to: endpoint, server: unknown.publicKey, keys: keys)
            let forged = CurveKeys(publicKey: keys.publicKey, secretKey: unknown.secretKey)
            let pretender = try Dealer("w", to: endpoint, server: server, keys: forged)
            let rogues = [plain, stranger, mistaken, pretender]
            for rogue in rogues { rogue.offer([66]) }
            #expect(await eventually { await courier.refusedPeers > 0 })
            let worker = try Dealer("w", to: endpoint, server: server, keys: keys)
            for byte in UInt8(1)...20 { try worker.send([byte]) }
            #expect(await eventually { receiver.messages.count == 20 })
            await courier.send([7], to: peer)
            #expect(await worker.receive() == [[7]])
            #expect(receiver.messages == (UInt8(1)...20).map { [[$0]] })
            for rogue in rogues { #expect(rogue.receiveNow() == nil) }
            #expect(await courier.strayMessages == 0)
        }
    }

    @Test func `a key is good for the name it was handed out for`() async throws {
        try await withCourier { courier, endpoint, server in
            let (first, second) = (try CurveKeys.generate(), try CurveKeys.generate())
            let receiver = Receiver()
            _ = await courier.connect("a", to: receiver)
            await courier.admit(first.publicKey, as: "a")
            await courier.admit(second.publicKey, as: "b")
            let thief = try Dealer("a", to: endpoint, server: server, keys: second)
            try thief.send([66])
            #expect(await eventually { await courier.strayMessages == 1 })
            #expect(receiver.messages.isEmpty)
        }
    }

    @Test func `a key that was taken back lets nobody in`() async throws {
        try await withCourier { courier, endpoint, server in
            let keys = try CurveKeys.generate()
            let receiver = Receiver()
            _ = await courier.connect("w", to: receiver)
            await courier.admit(keys.publicKey, as: "w")
            await courier.revoke(keys.publicKey)
            let late = try Dealer("w", to: endpoint, server: server, keys: keys)
            try late.send([1])
            #expect(await eventually { await courier.refusedPeers > 0 })
            #expect(receiver.messages.isEmpty)
        }
    }

    @Test func `refusals are told of, a few words for many`() async throws {
        try await withCourier { courier, endpoint, server in
            let reports = Lock<[Int]>([])
            await courier.reportStrays(every: .seconds(60)) { count in
                reports.withLock { $0.append(count) }
            }
            let keys = try CurveKeys.generate()
            let stranger = try Dealer("w", to: endpoint, server: server, keys: keys)
            try stranger.send([1])
            #expect(await eventually { reports.withLock { $0 } == [1] })
        }
    }

    @Test func `there is no TCP without keys`() throws {
        let error = #expect(throws: ZeroMQError.self) {
            _ = try RouterSocket(endpoint: "tcp://127.0.0.1:*", maximumMessage: 100)
        }
        #expect(error?.description.contains("without CURVE keys") == true)
    }

    @Test func `a secret key shows in no description`() throws {
        let keys = try CurveKeys.generate()
        #expect(keys.publicKey.utf8.count == 40 && keys.secretKey.utf8.count == 40)
        #expect(try CurveKeys.generate() != keys)
        var dumped = ""
        dump(keys, to: &dumped)
        for text in ["\(keys)", String(reflecting: keys), "\([keys])", dumped] {
            #expect(!text.contains(keys.secretKey))
        }
    }

    private static let request = ["1.0", "7", "krait", "127.0.0.1", "", "CURVE"]

    @Test(arguments: [
        (request, 32, true), (request, 31, false), (request, 33, false),
        (["2.0"] + request.dropFirst(), 32, false), (request + ["more"], 32, false),
        (Array(request.dropLast()) + ["PLAIN"], 32, false), ([], 32, false),
        (Array(request.dropLast()), 32, false),
    ])
    func `a request that is not one of CURVE has no key`(
        frames: [String],
        count: Int,
        isOne: Bool
    ) {
        let key = Array(repeating: UInt8(9), count: count)
        let found = Admission.key(in: frames.map { Array($0.utf8) } + [key])
        #expect(found == (isOne ? key : nil))
    }
}
