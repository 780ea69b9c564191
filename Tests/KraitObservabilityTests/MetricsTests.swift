import Testing

@testable import KraitObservability

@Suite struct MetricsTests {
    private let memory = MemoryMetrics()
    private var metrics: Metrics { Metrics(memory) }

    @Test func `instruments of one label and dimensions count together`() {
        let general = [Dimension("pool", "general")]
        metrics.counter("krait.calls", general).increment()
        metrics.counter("krait.calls", general).increment(by: 4)
        metrics.counter("krait.calls", [Dimension("pool", "neural")]).increment()
        #expect(memory.snapshot().figures("krait.calls", general)?.count == 5)
        #expect(
            memory.snapshot().entries.map { $0.dimensions.map(\.value) }
                == [["general"], ["neural"]]
        )
    }

    @Test func `a gauge shows what was set last`() {
        let gauge = metrics.gauge("krait.pool.queue.depth")
        gauge.record(7)
        gauge.record(2.5)
        let figures = memory.snapshot().figures("krait.pool.queue.depth")
        #expect(figures?.last == 2.5)
        #expect(figures?.mean == 0)
    }

    @Test func `a timer gathers seconds and a recorder sizes`() throws {
        let timer = metrics.timer("krait.call.duration")
        for milliseconds in [10, 20, 30] { timer.record(.milliseconds(milliseconds)) }
        metrics.recorder("krait.body.bytes").record(110)
        metrics.recorder("krait.body.bytes").record(10.0)
        let snapshot = memory.snapshot()
        let durations = try #require(snapshot.figures("krait.call.duration"))
        #expect(durations.count == 3)
        #expect(abs(durations.sum - 0.06) < 1e-9)
        #expect(durations.minimum == 0.01 && durations.maximum == 0.03 && durations.last == 0.03)
        #expect(abs((durations.mean ?? 0) - 0.02) < 1e-9)
        #expect(snapshot.figures("krait.body.bytes")?.sum == 120)
        #expect(snapshot.entries.map(\.kind) == [.recorder, .timer])
    }

    @Test func `past the bound a series keeps nothing and is counted`() {
        let memory = MemoryMetrics(maximumSeries: 2)
        let metrics = Metrics(memory)
        for label in ["a", "b", "c", "d", "a"] { metrics.counter(label).increment() }
        let snapshot = memory.snapshot()
        #expect(snapshot.entries.map(\.label) == ["a", "b"])
        #expect(snapshot.figures("a")?.count == 2)
        #expect(snapshot.refusedSeries == 2)
    }

    @Test func `instruments of none can be used`() {
        let metrics = Metrics.none
        metrics.counter("a").increment()
        metrics.gauge("a").record(1)
        metrics.timer("a").record(.seconds(1))
        metrics.recorder("a").record(1)
        #expect(memory.snapshot().entries.isEmpty)
    }

    @Test(.timeLimit(.minutes(1)))
    func `many tasks record without losing one`() async {
        let timer = metrics.timer("krait.call.duration")
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<1_000 { timer.record(.milliseconds(1)) } }
            }
        }
        #expect(memory.snapshot().figures("krait.call.duration")?.count == 4_000)
    }
}

@Suite struct FiguresTests {
    @Test(arguments: [0.01, 0.25, 0.5, 0.9, 0.99, 1.0])
    func `a quantile is at most 6.5 % off`(share: Double) throws {
        var figures = Figures()
        for number in 1...10_000 { figures.add(Double(number) / 1_000) }
        let quantile = try #require(figures.quantile(share))
        let exact = share * 10
        #expect(abs(quantile - exact) / exact <= 0.065)
    }

    @Test func `one value is every quantile`() {
        var figures = Figures()
        figures.add(3.3)
        #expect([0, 0.5, 1].map { figures.quantile($0) } == [3.3, 3.3, 3.3])
    }

    @Test func `no value has no quantile and no mean`() {
        #expect(Figures().quantile(0.5) == nil)
        #expect(Figures().mean == nil)
    }

    @Test func `values beyond the buckets are kept in the outer ones`() {
        var figures = Figures()
        for value in [-1, 0, 1e-300, 1e300] { figures.add(value) }
        #expect(figures.count == 4)
        #expect(figures.minimum == -1 && figures.maximum == 1e300)
        #expect(figures.quantile(1).map { $0 > 1e11 } == true)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `what is no number is not counted`(value: Double) {
        var figures = Figures()
        figures.add(value)
        #expect(figures == Figures())
    }

    @Test func `a count stops at its largest value`() {
        var figures = Figures()
        figures.count(.max)
        figures.count(1)
        #expect(figures.count == .max)
    }
}
