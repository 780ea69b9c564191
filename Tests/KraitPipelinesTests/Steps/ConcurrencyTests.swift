import KraitPipelines
import KraitWire
import Testing

private struct Odd: Error {}

@Suite(.timeLimit(.minutes(1)))
struct BothTests {
    @Test func `both sides get the input and give a pair`() async throws {
        let pipeline = Pipeline("both") {
            Both(Pass(), Transform { (text: String) in text.utf8.count })
            Transform { (text: String, count: Int) in "\(text) \(count)" }
        }
        #expect(try await pipeline.run("abc", through: Script.silent) == "abc 3")
    }

    @Test func `both sides are under way at the same time`() async throws {
        let (there, hasArrived) = AsyncStream.makeStream(of: Void.self)
        let (back, hasAnswered) = AsyncStream.makeStream(of: Void.self)
        let pipeline = Pipeline("meet") {
            Both(
                Transform { (text: String) in
                    hasArrived.finish()
                    for await _ in back {}
                    return text
                },
                Transform { (text: String) in
                    for await _ in there {}
                    hasAnswered.finish()
                    return text
                }
            )
        }
        #expect(try await pipeline.run("x", through: Script.silent) == ("x", "x"))
    }

    @Test(arguments: [true, false])
    func `where one side fails the other is cancelled and waited for`(first: Bool) async throws {
        let gauge = Gauge()
        let failing = Transform("fails") { (_: String) throws -> Int in throw Odd() }
        let waiting = Transform("waits") { (_: String) throws -> Int in
            gauge.enter()
            try await waitForCancellation()
        }
        let trace = Trace()
        let pipeline = Pipeline("both") { first ? Both(failing, waiting) : Both(waiting, failing) }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run("x", through: Script.silent, trace: trace)
        }
        #expect(error?.code == .faulted)
        #expect(error?.path == ["both", "1 Both", first ? "first fails" : "second fails"])
        let waited = await trace.steps.first { $0.label.hasSuffix("waits") }
        #expect(waited?.failure == .cancelled)
        #expect(gauge.peak <= 1)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ForEachTests {
    @Test func `the outputs keep the order of the inputs`() async throws {
        let pipeline = Pipeline("squares") {
            ForEach(width: 7) {
                Transform { (number: Int) in
                    for _ in 0..<(number % 5) { await Task.yield() }
                    return number * number
                }
            }
        }
        let numbers = Array(0..<500)
        let squares = try await pipeline.run(numbers, through: Script.silent)
        #expect(squares == numbers.map { $0 * $0 })
        #expect(try await pipeline.run([], through: Script.silent).isEmpty)
    }

    @Test(arguments: [(width: 1, 1), (width: 3, 3), (width: 0, 1), (width: 100, 20)])
    func `no more than the width are under way, and as many as that`(
        width: Int,
        peak: Int
    ) async throws {
        let gauge = Gauge()
        let (full, isFull) = AsyncStream.makeStream(of: Void.self)
        let count = 20
        let pipeline = Pipeline("bounded") {
            ForEach(width: width) {
                Transform { (number: Int) in
                    gauge.enter()
                    // The first ones wait until as many are there as may be.
                    if gauge.peak == peak { isFull.finish() }
                    for await _ in full {}
                    await Task.yield()
                    gauge.leave()
                    return number
                }
            }
        }
        let numbers = Array(0..<count)
        #expect(try await pipeline.run(numbers, through: Script.silent) == numbers)
        #expect(gauge.peak == peak)
    }

    @Test func `a failing element cancels the others, and no other begins`() async throws {
        let begun = Gauge()
        let pipeline = Pipeline("fails") {
            ForEach(width: 3) {
                Pass<Int>()
                Transform("picky") { (number: Int) throws -> Int in
                    begun.enter()
                    if number == 1 { throw Odd() }
                    try await waitForCancellation()
                }
            }
        }
        let error = await #expect(throws: CallError.self) {
            try await pipeline.run(Array(0..<1_000), through: Script.silent)
        }
        #expect(error?.code == .faulted)
        #expect(error?.path == ["fails", "1 ForEach", "item 1", "2 picky"])
        #expect(begun.peak <= 3)
    }

    @Test func `cancelling the run cancels the elements under way`() async throws {
        let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
        let pipeline = Pipeline("waits") {
            ForEach(width: 2) {
                Transform { (_: Int) throws -> Int in
                    hasBegun.yield()
                    try await waitForCancellation()
                }
            }
        }
        let error = await withTaskGroup(of: CallError?.self) { group in
            group.addTask {
                do throws(CallError) {
                    _ = try await pipeline.run([1, 2, 3], through: Script.silent)
                    return nil
                } catch {
                    return error
                }
            }
            for await _ in begun { break }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error?.code == .cancelled)
    }

    @Test func `an optional output that is nil is kept`() async throws {
        let pipeline = Pipeline("optional") {
            ForEach(width: 2) { Transform { (text: String) in Int(text) } }
        }
        let numbers = try await pipeline.run(["1", "x", "3"], through: Script.silent)
        #expect(numbers == [1, nil, 3])
    }
}
