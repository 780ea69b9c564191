import Testing

@testable import KraitPooling

@Suite struct CircuitBreakerTests {
    private static let policy = BreakerPolicy(
        window: .milliseconds(1_000),
        minimumCalls: 4,
        failureRate: 0.5,
        slowCall: .milliseconds(100),
        slowRate: 0.75,
        openFor: .milliseconds(50),
        maximumOpen: .milliseconds(150),
        probes: 2
    )

    private func permit(
        _ breaker: inout CircuitBreaker,
        at time: Int,
        _ location: SourceLocation = #_sourceLocation
    ) throws -> Int {
        guard case .admitted(let permit) = breaker.admit(at: at(time)) else {
            Issue.record("refused at \(time)", sourceLocation: location)
            throw Refused()
        }
        return permit
    }

    private struct Refused: Error {}

    /// One call that ends at once; whether the state changed.
    private func pass(
        _ breaker: inout CircuitBreaker,
        _ outcome: CircuitBreaker.Outcome,
        after milliseconds: Int = 1,
        at time: Int
    ) throws -> Bool {
        let permit = try permit(&breaker, at: time)
        return breaker.ended(permit, outcome, after: .milliseconds(milliseconds), at: at(time))
    }

    private func end(
        _ breaker: inout CircuitBreaker,
        _ permit: Int,
        _ outcome: CircuitBreaker.Outcome,
        at time: Int
    ) -> Bool {
        breaker.ended(permit, outcome, after: .zero, at: at(time))
    }

    private func opened(at time: Int = 0) throws -> CircuitBreaker {
        var breaker = CircuitBreaker(Self.policy)
        for _ in 0..<3 { #expect(try !pass(&breaker, .failure, at: time)) }
        #expect(try pass(&breaker, .failure, at: time))
        #expect(breaker.state == .open(until: at(time + 50)))
        return breaker
    }

    @Test(
        arguments: [
            // Outcomes in order, and whether the last one opens it.
            ("ffff", true), ("fff", false), ("sssf", false), ("sfsf", true), ("ssfsf", false),
            ("nnnnnfff", false), ("SSS.", false), ("SSSS", true), ("SSsS", true), ("SssS", false),
        ]
    )
    func `it opens at its rate of failures or slow calls, given enough calls`(
        outcomes: String,
        opens: Bool
    ) throws {
        var breaker = CircuitBreaker(Self.policy)
        var changed = false
        for (index, outcome) in outcomes.enumerated() {
            #expect(!changed, "it opened early")
            switch outcome {
            case "f": changed = try pass(&breaker, .failure, at: index)
            case "s": changed = try pass(&breaker, .success, at: index)
            case "S": changed = try pass(&breaker, .success, after: 101, at: index)
            default: changed = try pass(&breaker, .none, at: index)
            }
        }
        #expect(changed == opens)
    }

    @Test func `what is older than the window does not count`() throws {
        var breaker = CircuitBreaker(Self.policy)
        for time in [0, 10, 20] { #expect(try !pass(&breaker, .failure, at: time)) }
        #expect(try !pass(&breaker, .failure, at: 1_150))
        #expect(breaker.state == .closed)
        for time in [1_160, 1_170] { #expect(try !pass(&breaker, .failure, at: time)) }
        #expect(try pass(&breaker, .failure, at: 1_180))
    }

    @Test func `open, it refuses until its time is over, then lets a few through`() throws {
        var breaker = try opened()
        #expect(breaker.admit(at: at(49)) == .refused(until: at(50)))
        #expect(breaker.state.name(at: at(49)) == "open")
        #expect(breaker.state.name(at: at(50)) == "half_open")
        _ = try permit(&breaker, at: 50)
        _ = try permit(&breaker, at: 51)
        #expect(breaker.admit(at: at(52)) == .refused(until: at(52)))
    }

    @Test func `a trial that succeeds closes it, with nothing held against it`() throws {
        var breaker = try opened()
        let first = try permit(&breaker, at: 50)
        let second = try permit(&breaker, at: 50)
        #expect(!end(&breaker, first, .success, at: 60))
        #expect(end(&breaker, second, .success, at: 61))
        #expect(breaker.state == .closed)
        for time in 62..<65 { #expect(try !pass(&breaker, .failure, at: time)) }
    }

    @Test func `a trial that fails opens it for longer, up to a bound`() throws {
        var breaker = try opened()
        var time = 50
        for wait in [100, 150, 150] {
            #expect(try pass(&breaker, .failure, at: time))
            #expect(breaker.state == .open(until: at(time + wait)))
            time += wait
        }
    }

    @Test func `a slow trial is a failed one`() throws {
        var breaker = try opened()
        #expect(try pass(&breaker, .success, after: 101, at: 50))
        #expect(breaker.state == .open(until: at(150)))
    }

    @Test func `a trial that says nothing makes room for another`() throws {
        var breaker = try opened()
        let first = try permit(&breaker, at: 50)
        _ = try permit(&breaker, at: 50)
        #expect(!end(&breaker, first, .none, at: 51))
        _ = try permit(&breaker, at: 52)
        #expect(breaker.admit(at: at(52)) == .refused(until: at(52)))
    }

    @Test func `what was admitted before it opened says nothing afterwards`() throws {
        var breaker = CircuitBreaker(Self.policy)
        let old = try permit(&breaker, at: 0)
        for _ in 0..<3 { _ = try pass(&breaker, .failure, at: 0) }
        #expect(try pass(&breaker, .failure, at: 0))
        #expect(!end(&breaker, old, .success, at: 1))
        let trial = try permit(&breaker, at: 50)
        #expect(!end(&breaker, old, .failure, at: 51))
        #expect(breaker.state == .halfOpen(running: 1, succeeded: 0))
        #expect(!end(&breaker, trial, .success, at: 52))
    }

    @Test func `operations have breakers of their own, up to a bound`() {
        var breakers = Breakers(Self.policy)
        let first = breakers.place(of: "predict")
        #expect(breakers.place(of: "embed") != first)
        #expect(breakers.place(of: "predict") == first)
        for number in 0..<2_000 { _ = breakers.place(of: "operation \(number)") }
        #expect(breakers.names.count == Breakers.maximumCount)
        #expect(breakers.place(of: "one more") == Breakers.maximumCount - 1)
    }
}
