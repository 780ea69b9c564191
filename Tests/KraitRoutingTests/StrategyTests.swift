import KraitRouting
import KraitWire
import Testing

struct LatenciesTests {
    private let places: [Route] = [.native, .pool("a"), .pool("b")]

    private func measured(_ milliseconds: [Int]) -> Latencies {
        var latencies = Latencies()
        for (place, time) in zip(places, milliseconds) {
            for _ in 0..<Latencies.believed {
                latencies.ended(place, after: .milliseconds(time), failure: nil)
            }
        }
        return latencies
    }

    @Test func `a place is measured a few times before its mean is believed`() {
        var latencies = Latencies()
        var taken: [Route] = []
        for _ in 0..<9 {
            guard let advice = latencies.choose(among: places, random: 0.5) else { continue }
            taken.append(advice.place)
            latencies.ended(advice.place, after: .milliseconds(1), failure: nil)
        }
        #expect(taken == places.flatMap { [$0, $0, $0] })
        #expect(latencies.choose(among: [], random: 0.5) == nil)
    }

    @Test(arguments: [([3, 1, 2], 1), ([1, 2, 3], 0), ([3, 2, 1], 2), ([2, 2, 2], 0)])
    func `the fastest is taken`(milliseconds: [Int], index: Int) {
        let advice = measured(milliseconds).choose(among: places, random: 0.5)
        #expect(advice == RouteAdvice(places[index], because: "it has been the fastest"))
    }

    @Test(arguments: [(0.0, 1), (0.024, 1), (0.026, 2), (0.049, 2), (0.05, 0), (0.999, 0)])
    func `a share of the calls tries the others`(random: Double, index: Int) {
        let advice = measured([1, 2, 3]).choose(among: places, random: random)
        #expect(advice?.place == places[index])
    }

    @Test func `a mean follows what is measured`() {
        var latencies = measured([1, 2, 3])
        for _ in 0..<20 { latencies.ended(.pool("b"), after: .microseconds(100), failure: nil) }
        #expect(latencies.choose(among: places, random: 0.5)?.place == .pool("b"))
    }

    @Test func `a place that refuses at once is not fast`() {
        var latencies = measured([3, 1, 2])
        let usual = latencies.mean(of: .pool("a"))
        for _ in 0..<10 {
            latencies.ended(.pool("a"), after: .microseconds(5), failure: .circuitOpen)
        }
        #expect((latencies.mean(of: .pool("a")) ?? .zero) > (usual ?? .zero))
        #expect(latencies.choose(among: places, random: 0.5)?.place == .pool("b"))
    }

    @Test(arguments: [CallError.Code.cancelled, .invalidInput, .faulted])
    func `what the caller did is not measured`(code: CallError.Code) {
        var latencies = measured([3, 1, 2])
        let before = latencies
        latencies.ended(.pool("a"), after: .seconds(9), failure: code)
        #expect(latencies == before)
    }
}

/// Always chooses one place.
private struct Always: RoutingStrategy {
    let name = "always"
    var place: Route

    func choose(for operation: String, among places: [Route]) -> RouteAdvice? {
        RouteAdvice(place, because: "it always is")
    }

    func expected(_ operation: String, on place: Route) -> Duration? {
        place == .native ? .milliseconds(1) : nil
    }
}

@Suite(.timeLimit(.minutes(1)))
struct StrategyTests {
    private func router(_ strategy: any RoutingStrategy) throws -> Router {
        let registry = try Registry(
            natives: [.mirror("predict")],
            pools: [.mirror("a", ["predict", "embed"]), .mirror("b", ["predict"], .streaming)]
        )
        return Router(registry: registry, strategy: strategy)
    }

    @Test func `a strategy chooses before the policy, and the decision says so`() async throws {
        let router = try router(Always(place: .pool("b")))
        let (reply, decision) = try await router.callDecided(Call("predict"))
        #expect(reply.source == .pool("b", worker: "b/1.1", codec: .messagePack))
        #expect(decision.reason == .advised)
        #expect(decision.strategy == "always")
        #expect(decision.sentence == "predict runs on pool b, because it always is.")
        #expect(decision.alternatives.map(\.reason) == [.notAdvised, .notAdvised])
        #expect(decision.alternatives.map(\.expected) == [.milliseconds(1), nil])
        #expect(decision.value["alternatives"]?.list?.first?["expected_us"] == 1_000.0)
    }

    @Test func `what a call forces, and where there is one place, no strategy is asked`() throws {
        let router = try router(Always(place: .pool("b")))
        let forced = try router.explain("predict", options: CallOptions(route: .native))
        #expect(forced.chosen == .native)
        #expect(forced.reason == .forced)
        #expect(try router.explain("embed").reason == .only)
    }

    @Test func `a place that is not there, or not capable, leaves the choice open`() throws {
        #expect(try router(Always(place: .pool("c"))).explain("predict").chosen == .native)
        let streaming = try router(Always(place: .native))
            .explain("predict", requiring: .streaming)
        #expect(streaming.chosen == .pool("b"))
        #expect(streaming.reason == .preferredIncapable)
    }

    @Test func `the fastest place is found by calling`() async throws {
        let slow = NativeBackend { _ in
            // Longer than a mirror's answer, however busy the machine is.
            let end = ContinuousClock.now + .milliseconds(20)
            while ContinuousClock.now < end {}
            return nil
        }
        let registry = try Registry(
            natives: [Registry.Native("predict", backend: slow)],
            pools: [.mirror("a", ["predict"])]
        )
        let router = Router(registry: registry, policy: .fastest, strategy: FastestRoute())
        var routes: [Route: Int] = [:]
        for _ in 0..<100 {
            let decision = try await router.callDecided(Call("predict")).decision
            routes[decision.chosen, default: 0] += 1
        }
        #expect((routes[.pool("a")] ?? 0) > 70)
        #expect((routes[.native] ?? 0) >= Latencies.believed)
        let decision = try router.explain("predict", options: CallOptions(route: .native))
        #expect((decision.expected ?? .zero) >= .milliseconds(20))
    }
}

@Suite(.timeLimit(.minutes(1)))
struct DelegationTests {
    private func router(pools: [String], open: Set<String> = []) throws -> Router {
        let native = NativeBackend { arguments in
            if arguments["text"]?.string == "ä" { throw Delegation("non-ascii") }
            return "native"
        }
        return Router(
            registry: try Registry(
                natives: [Registry.Native("polish", backend: native)],
                pools: pools.map { name in
                    if !open.contains(name) { return .mirror(name, ["polish"]) }
                    let error = CallError(.circuitOpen, "open", retryAfter: .seconds(9))
                    return Registry.Pool(
                        name,
                        operations: ["polish"],
                        backend: Failing(error: error)
                    )
                }
            ),
            policy: open.isEmpty ? .preferNative : .preferPython
        )
    }

    @Test func `native code leaves a call to a pool, by a rule that the decision names`()
        async throws
    {
        let router = try router(pools: ["a"])
        let call = Call("polish", ["text": "ä"])
        let (reply, decision) = try await router.callDecided(call)
        #expect(reply.source == .pool("a", worker: "a/1.1", codec: .messagePack))
        #expect(decision.reason == .fallback)
        #expect(decision.failed.map(\.rule) == ["non-ascii"])
        #expect(
            decision.sentence.hasSuffix(
                "because native leaves it to Python by the rule non-ascii."
            )
        )
        #expect(decision.alternatives.map(\.reason) == [.failed])
        // Without anybody who looks, the way is the same.
        #expect(try await router.call(call).source == reply.source)
        #expect(try await router.call(Call("polish")).source == .native)
    }

    @Test func `where nobody else answers, or native is forced, the call fails`() async throws {
        let call = Call("polish", ["text": "ä"])
        let alone = try router(pools: [])
        let error = await #expect(throws: CallError.self) { try await alone.call(call) }
        #expect(error?.code == .delegated)
        #expect(error?.message.contains("non-ascii") == true)
        let options = CallOptions(route: .native)
        let forced = Call("polish", call.arguments, options: options)
        let router = try router(pools: ["a"])
        let refused = await #expect(throws: CallError.self) { try await router.call(forced) }
        #expect(refused?.code == .delegated)
    }

    @Test func `an open breaker is a reason to choose another place`() async throws {
        let router = try router(pools: ["a", "b"], open: ["a"])
        let (reply, decision) = try await router.callDecided(Call("polish"))
        #expect(reply.source == .native)
        #expect(decision.failed.map(\.code) == [.circuitOpen])
        #expect(try await router.call(Call("polish")).source == .native)
        let forced = Call("polish", options: CallOptions(route: .pool("a")))
        let error = await #expect(throws: CallError.self) { try await router.call(forced) }
        #expect(error?.code == .circuitOpen)
    }
}
