import KraitRouting
import KraitWire
import Testing

@testable import KraitRouting

/// Calls whose place cannot take them.
@Suite(.timeLimit(.minutes(1))) struct FallbackTests {
    /// Two pools that offer `predict`: the first fails with this error, the second answers.
    private func router(
        _ error: CallError,
        _ chain: [Route] = [.pool("small")]
    ) throws -> Router {
        let registry = try Registry(
            natives: [.mirror("predict")],
            pools: [
                Registry.Pool("large", operations: ["predict"], backend: Failing(error: error)),
                .mirror("small", ["predict"]),
            ]
        )
        return Router(
            registry: registry,
            policy: .preferPython,
            fallbacks: FallbackChains(["predict": chain])
        )
    }

    private static func error(
        _ code: CallError.Code,
        _ delivery: CallError.Delivery = .notSent
    ) -> CallError { CallError(code, "for the test", delivery: delivery) }

    @Test(
        arguments: [
            (.poolFailed, .notSent, false, true), (.circuitOpen, .notSent, false, true),
            (.queueFull, .notSent, false, true), (.poolDrained, .notSent, false, true),
            (.shuttingDown, .notSent, false, true),
            (.poolFailed, .sent, false, false), (.poolFailed, .sent, true, true),
            (.workerCrashed, .sent, false, false), (.workerCrashed, .sent, true, true),
            (.workerSilent, .sent, true, true), (.faulted, .sent, true, false),
            (.rateLimited, .notSent, true, false), (.callQuarantined, .notSent, true, false),
            (.deadlineExceeded, .notSent, true, false), (.cancelled, .notSent, true, false),
            (.invalidInput, .notSent, true, false),
        ] as [(CallError.Code, CallError.Delivery, Bool, Bool)]
    )
    func `what a place could not take is taken elsewhere, and nothing else`(
        code: CallError.Code,
        delivery: CallError.Delivery,
        isIdempotent: Bool,
        isTaken: Bool
    ) async throws {
        let router = try router(Self.error(code, delivery))
        let call = Call("predict", options: CallOptions(isIdempotent: isIdempotent))
        do throws(CallError) {
            let reply = try await router.call(call)
            #expect(isTaken)
            #expect(reply.source == .pool("small", worker: "small/1.1", codec: .messagePack))
        } catch {
            #expect(!isTaken && error.code == code && error.pool == "large")
        }
    }

    @Test func `a specialisation has the fallbacks of its operation`() async throws {
        let router = try router(Self.error(.circuitOpen))
        let reply = try await router.call(Call("predict:Desk.Triage"))
        #expect(reply.value["operation"] == "predict")
    }

    @Test func `the decision names who could not, and who could next`() async throws {
        let router = try router(Self.error(.circuitOpen), [.pool("small"), .native])
        let (_, decision) = try await router.callDecided(Call("predict"))
        #expect(decision.chosen == .pool("small") && decision.reason == .fallback)
        #expect(decision.failed == [.init(route: .pool("large"), code: .circuitOpen)])
        #expect(
            decision.sentence.contains("because pool large could not take it (circuit_open)")
        )
        #expect(decision.value["failed"]?.list?.count == 1)
        let explained = try router.explain("predict")
        #expect(explained.chosen == .pool("large"))
        #expect(explained.fallbacks == [.pool("small"), .native])
        #expect(
            explained.description.hasSuffix("Where that cannot take it: pool small, then native.")
        )
    }

    @Test func `a call that names its place stays there`() async throws {
        let router = try router(Self.error(.poolFailed))
        let call = Call("predict", options: CallOptions(route: .pool("large")))
        await #expect(throws: CallError.self) { try await router.call(call) }
        #expect(try router.explain("predict", options: call.options).fallbacks.isEmpty)
    }

    @Test func `a place where nobody answers is passed over`() async throws {
        let failing = Failing(error: Self.error(.poolDrained))
        let registry = try Registry(pools: [
            Registry.Pool("a", operations: ["predict"], backend: failing),
            .mirror("b", ["predict"]),
        ])
        for (chain, isTaken) in [([Route.native, .pool("b")], true), ([.native], false)] {
            let router = Router(registry: registry, fallbacks: FallbackChains(["predict": chain]))
            do throws(CallError) {
                let (_, decision) = try await router.callDecided(Call("predict"))
                #expect(isTaken && decision.chosen == .pool("b"))
            } catch {
                #expect(!isTaken && error.code == .poolDrained && error.pool == "a")
            }
        }
    }

    @Test func `each place is asked once, and the last error is told`() async throws {
        let failing = Failing(error: Self.error(.queueFull))
        let registry = try Registry(pools: [
            Registry.Pool("a", operations: ["predict"], backend: failing),
            Registry.Pool("b", operations: ["predict"], backend: failing),
        ])
        let chain = FallbackChains(["predict": [.pool("a"), .pool("b"), .pool("a")]])
        let router = Router(registry: registry, fallbacks: chain)
        do throws(CallError) {
            _ = try await router.call(Call("predict"))
            Issue.record("somebody answered")
        } catch {
            #expect(error.code == .queueFull && error.pool == "b")
        }
    }

    @Test func `without fallbacks nothing stands between a call and its place`() async throws {
        #expect(FallbackChains(["predict": []]).isEmpty)
        let router = try router(Self.error(.poolFailed), [])
        await #expect(throws: CallError.self) { try await router.call(Call("predict")) }
    }
}
