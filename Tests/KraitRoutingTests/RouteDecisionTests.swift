import KraitRouting
import KraitWire
import Testing

struct RouteDecisionTests {
    static func router(_ policy: RoutingPolicy = .preferNative) throws -> Router {
        let registry = try Registry(
            natives: [.mirror("predict:Desk.Polish"), .mirror("search")],
            pools: [
                .mirror("general", ["predict", "chain_of_thought"]),
                .mirror("neural", ["predict", "embed"], .streaming),
            ]
        )
        return Router(registry: registry, policy: policy)
    }

    @Test func `native code is preferred by default and the others are told why not`() throws {
        let decision = try Self.router().explain("predict:Desk.Polish")
        #expect(decision.chosen == .native)
        #expect(decision.reason == .preferred)
        #expect(decision.policy == .preferNative)
        #expect(decision.duration == nil)
        #expect(decision.alternatives.map(\.route) == [.pool("general"), .pool("neural")])
        #expect(decision.alternatives.map(\.reason) == [.notPreferred, .notPreferred])
        #expect(
            decision.description == """
                predict:Desk.Polish runs on native, because the policy is prefer-native.
                  Not pool general, because the policy is prefer-native.
                  Not pool neural, because the policy is prefer-native.
                """
        )
    }

    @Test func `a policy for Python passes native code by`() throws {
        let decision = try Self.router(.preferPython).explain("predict:Desk.Polish")
        #expect(decision.chosen == .pool("general"))
        #expect(decision.reason == .preferred)
        #expect(decision.alternatives.map(\.reason) == [.notPreferred, .later])
        #expect(
            decision.alternatives[1].sentence
                == "Not pool neural, because pool general comes before it."
        )
    }

    @Test func `a specialisation without native code goes as its operation goes`() throws {
        let decision = try Self.router().explain("predict:Desk.Triage")
        #expect(decision.operation == "predict:Desk.Triage")
        #expect(decision.chosen == .pool("general"))
        #expect(decision.reason == .preferredMissing)
        #expect(decision.sentence.hasSuffix("because there is no native implementation."))
    }

    @Test func `native code of a specialisation does not answer the operation itself`() throws {
        let decision = try Self.router().explain("predict")
        #expect(decision.chosen == .pool("general"))
        #expect(decision.alternatives.map(\.route) == [.pool("neural")])
    }

    @Test func `the only implementation is taken whatever the policy`() throws {
        for policy in RoutingPolicy.allCases {
            let router = try Self.router(policy)
            #expect(try router.explain("search").reason == .only)
            #expect(try router.explain("embed").reason == .only)
        }
        let sentence = try Self.router().explain("embed").sentence
        #expect(sentence == "embed runs on pool neural, because nothing else offers it.")
    }

    @Test func `a call can force its route`() throws {
        let options = CallOptions(route: .pool("neural"))
        let decision = try Self.router().explain("predict:Desk.Polish", options: options)
        #expect(decision.chosen == .pool("neural"))
        #expect(decision.reason == .forced)
        #expect(decision.alternatives.map(\.reason) == [.forcedElsewhere, .forcedElsewhere])
        let native = CallOptions(route: .native)
        #expect(try Self.router(.preferPython).explain("search", options: native).chosen == .native)
    }

    @Test func `what cannot do what a call requires is passed by`() throws {
        let decision = try Self.router().explain("predict:Desk.Polish", requiring: .streaming)
        #expect(decision.chosen == .pool("neural"))
        #expect(decision.reason == .preferredIncapable)
        #expect(decision.sentence.contains("no native implementation is capable of streaming"))
        #expect(decision.alternatives.map(\.reason) == [.incapable, .incapable])
        #expect(
            decision.alternatives[0].sentence
                == "Not native, because it is not capable of streaming."
        )
    }

    @Test func `a pool that has not said what it offers is asked last`() throws {
        let registry = try Registry(pools: [
            .mirror("starting", nil), .mirror("general", ["predict"]),
        ])
        let router = Router(registry: registry)
        #expect(try router.explain("predict").chosen == .pool("general"))
        #expect(try router.explain("predict").alternatives.map(\.route) == [.pool("starting")])
        let decision = try router.explain("anything")
        #expect(decision.chosen == .pool("starting"))
        #expect(decision.sentence.contains("(none of its workers is ready yet)"))
    }
}

struct RouteRefusalTests {
    struct Row: Sendable {
        var operation: String
        var route: RouteChoice = .automatic
        var required: Capabilities = []
        var code: CallError.Code = .unknownOperation
        var message: String
    }

    static let rows = [
        Row(
            operation: "predct",
            message: "Nothing offers the operation predct; did you mean predict?"
        ),
        Row(
            operation: "chain_of_thuoght",
            message:
                "Nothing offers the operation chain_of_thuoght; did you mean chain_of_thought?"
        ),
        Row(
            operation: "xyzzy",
            message: "Nothing offers the operation xyzzy; the operations are: "
                + "chain_of_thought, embed, predict, predict:Desk.Polish, search."
        ),
        Row(
            operation: "predict",
            route: .pool("genral"),
            code: .unknownPool,
            message: "There is no pool named genral; did you mean general?"
        ),
        Row(
            operation: "predict",
            route: .pool("x"),
            code: .unknownPool,
            message: "There is no pool named x; the pools are: general, neural."
        ),
        Row(
            operation: "search",
            route: .pool("general"),
            message: "No implementation on pool general of search; it is offered by: native."
        ),
        Row(
            operation: "embed",
            route: .native,
            message: "No native implementation of embed; it is offered by: pool neural."
        ),
        Row(
            operation: "search",
            required: [.tools, .streaming],
            message: "No implementation of search with streaming and tools; "
                + "it is offered by: native."
        ),
    ]

    @Test(arguments: rows) func `a refusal says what is missing and what there is`(
        _ row: Row
    ) throws {
        let router = try RouteDecisionTests.router()
        let error = #expect(throws: CallError.self) {
            try router.explain(
                row.operation,
                options: CallOptions(route: row.route),
                requiring: row.required
            )
        }
        #expect(error?.code == row.code)
        #expect(error?.message == row.message.replacing("?", with: "?"))
        #expect(error?.operation == row.operation)
        #expect(error?.delivery == .notSent)
    }

    @Test func `an empty registry says so`() throws {
        let router = Router(registry: try Registry())
        let error = #expect(throws: CallError.self) { try router.explain("predict") }
        #expect(error?.message.contains("no operation is registered") == true)
        let pool = CallOptions(route: .pool("general"))
        let missing = #expect(throws: CallError.self) {
            try router.explain("predict", options: pool)
        }
        #expect(missing?.message.contains("no pool is declared") == true)
    }

    @Test func `a name of any length makes a short message`() throws {
        let name = String(repeating: "long", count: 10_000)
        let router = try RouteDecisionTests.router()
        let error = #expect(throws: CallError.self) { try router.explain(name) }
        #expect((error?.message.count ?? .max) < 300)
    }

    @Test func `two implementations of one name are refused`() {
        #expect(throws: RegistryError.duplicateNative(operation: "search")) {
            try Registry(natives: [.mirror("search"), .mirror("search")])
        }
        #expect(throws: RegistryError.duplicatePool(name: "general")) {
            try Registry(pools: [.mirror("general", ["a"]), .mirror("general", ["b"])])
        }
    }
}
