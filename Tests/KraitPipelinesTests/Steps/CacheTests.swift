import KraitPipelines
import KraitWire
import Testing

struct RecentValuesTests {
    private let start = ContinuousClock.now

    @Test func `no more are kept than the limit, and what is asked for stays`() {
        var values = RecentValues<Int, String>(limit: 10)
        for number in 0..<1_000 {
            values.keep("\(number)", of: number, at: start)
            _ = values.value(of: 0, at: start)
            #expect(values.count <= 10)
        }
        #expect(values.value(of: 999, at: start) == "999")
        #expect(values.value(of: 0, at: start) == "0")
        #expect(values.value(of: 500, at: start) == nil)
    }

    @Test func `a value is good for its lifetime`() {
        var values = RecentValues<Int, String>(limit: 10, lifetime: .seconds(60))
        values.keep("old", of: 1, at: start)
        #expect(values.value(of: 1, at: start + .seconds(59)) == "old")
        #expect(values.value(of: 1, at: start + .seconds(60)) == nil)
        values.keep("new", of: 1, at: start + .seconds(60))
        #expect(values.value(of: 1, at: start + .seconds(61)) == "new")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct CacheTests {
    @Test func `the same input is answered once, and a failure is not kept`() async throws {
        let script = counting { number throws(CallError) in
            if number == 1 { throw CallError(.queueFull, "full") }
            return "answer \(number)"
        }
        let pipeline = Pipeline("remembers") { Cache(limit: 100) { Ask(operation: "ask") } }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run("x", through: script)
        }
        #expect(error?.path == ["remembers", "1 Cache", "missed", "1 Ask(ask)"])
        #expect(try await pipeline.run("x", through: script) == "answer 2")
        #expect(try await pipeline.run("x", through: script) == "answer 2")
        #expect(try await pipeline.run("y", through: script) == "answer 3")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ListTests {
    @Test func `a list is mapped and reduced`() async throws {
        let pipeline = Pipeline("letters") {
            Map { (text: String) in text.utf8.count }
            Reduce(1) { (sum: Int, count: Int) in sum + count }
        }
        #expect(try await pipeline.run(["a", "bc"], through: Script.silent) == 4)
        #expect(try await pipeline.run([], through: Script.silent) == 1)
    }

    @Test func `what their closures throw fails the run with the step`() async throws {
        struct Odd: Error {}
        let pipeline = Pipeline("breaks") { Map { (_: String) throws -> Int in throw Odd() } }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(["a"], through: Script.silent)
        }
        #expect(error?.code == .faulted)
        #expect(error?.path == ["breaks", "1 Map"])
    }

    @Test func `each element has an output or an error where the run is to go on`() async throws {
        let pipeline = Pipeline("goes on") {
            ForEach(width: 2) {
                Transform { (number: Int) throws -> Int in
                    if number.isMultiple(of: 3) { throw CallError(.queueFull, "full") }
                    return number
                }
            }.results
        }
        let results = try await pipeline.run(Array(0..<7), through: Script.silent)
        #expect(results.map { try? $0.get() } == [nil, 1, 2, nil, 4, 5, nil])
        guard case .failure(let error) = results[3] else { return #expect(Bool(false)) }
        #expect(error.path == ["goes on", "1 ForEach", "item 3", "1 Transform"])
    }

    @Test func `a hundred thousand elements are under way a few at a time`() async throws {
        let gauge = Gauge()
        let pipeline = Pipeline("many") {
            ForEach(width: 8) {
                Transform { (number: Int) in
                    gauge.enter()
                    await Task.yield()
                    gauge.leave()
                    return number
                }
            }
        }
        let numbers = Array(0..<100_000)
        #expect(try await pipeline.run(numbers, through: Script.silent) == numbers)
        #expect(gauge.peak <= 8)
    }
}
