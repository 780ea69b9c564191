import KraitRouting
import KraitWire
import Testing

/// One row: candidates as letters, what is asked, and which index is taken.
struct PlannerRow: Sendable, CustomTestStringConvertible {
    let candidates: [Candidate]
    let policy: RoutingPolicy
    let choice: RouteChoice
    let required: Capabilities
    let chosen: Int?

    init(
        _ candidates: [Candidate],
        _ policy: RoutingPolicy,
        _ choice: RouteChoice,
        _ required: Capabilities = [],
        takes chosen: Int?
    ) {
        self.candidates = candidates
        self.policy = policy
        self.choice = choice
        self.required = required
        self.chosen = chosen
    }

    var testDescription: String {
        "\(candidates.map(\.route)) \(policy.rawValue) \(choice) \(required.names)"
    }
}

private let native = Candidate(.native)
private let general = Candidate(.pool("general"))
private let neural = Candidate(.pool("neural"), [.streaming, .tools])
private let starting = Candidate(.pool("starting"), isConfirmed: false)

struct RoutePlannerTests {
    static let rows = [
        PlannerRow([], .preferNative, .automatic, takes: nil),
        PlannerRow([native], .preferNative, .automatic, takes: 0),
        PlannerRow([native, general], .preferNative, .automatic, takes: 0),
        PlannerRow([native, general, neural], .preferPython, .automatic, takes: 1),
        PlannerRow([native], .preferPython, .automatic, takes: 0),
        PlannerRow([general, neural], .preferNative, .automatic, takes: 0),
        PlannerRow([starting], .preferNative, .automatic, takes: 0),
        PlannerRow([native, general], .preferNative, .pool("general"), takes: 1),
        PlannerRow([native, general], .preferPython, .native, takes: 0),
        PlannerRow([general], .preferPython, .native, takes: nil),
        PlannerRow([native, general], .preferPython, .pool("other"), takes: nil),
        PlannerRow([native, general, neural], .preferNative, .automatic, .streaming, takes: 2),
        PlannerRow([native, general, neural], .preferPython, .automatic, .streaming, takes: 2),
        PlannerRow([native, general], .preferNative, .automatic, .streaming, takes: nil),
        PlannerRow([native, general], .preferNative, .pool("general"), .tools, takes: nil),
        PlannerRow([neural], .preferNative, .automatic, [.streaming, .tools], takes: 0),
    ]

    @Test(arguments: rows) func `the first candidate that fits is taken`(_ row: PlannerRow) {
        let planner = RoutePlanner(policy: row.policy)
        let chosen = planner.choose(
            among: row.candidates,
            choice: row.choice,
            requiring: row.required
        )
        #expect(chosen == row.chosen)
    }
}
