/// Keeps all figures in memory, for `krait status` and for tests.
///
/// Recording takes one lock of the instrument's own. The number of series is bounded: past it new
/// ones keep nothing and are counted in ``Snapshot/refusedSeries``.
package final class MemoryMetrics: MetricsFactory {
    private struct State {
        var series: [SeriesID: Series] = [:]
        var refused = 0
    }

    private let state = Lock(State())
    private let maximumSeries: Int

    package init(maximumSeries: Int = 10_000) {
        self.maximumSeries = maximumSeries
    }

    package func makeCounter(label: String, dimensions: [Dimension]) -> any CounterHandler {
        series(.counter, label, dimensions) ?? NoHandler()
    }

    package func makeGauge(label: String, dimensions: [Dimension]) -> any GaugeHandler {
        series(.gauge, label, dimensions) ?? NoHandler()
    }

    package func makeTimer(label: String, dimensions: [Dimension]) -> any TimerHandler {
        series(.timer, label, dimensions) ?? NoHandler()
    }

    package func makeRecorder(label: String, dimensions: [Dimension]) -> any RecorderHandler {
        series(.recorder, label, dimensions) ?? NoHandler()
    }

    private func series(_ kind: Kind, _ label: String, _ dimensions: [Dimension]) -> Series? {
        let id = SeriesID(label: label, dimensions: dimensions, kind: kind)
        return state.withLock { state in
            if let known = state.series[id] { return known }
            guard state.series.count < maximumSeries else {
                state.refused += 1
                return nil
            }
            let series = Series(kind)
            state.series[id] = series
            return series
        }
    }

    /// All figures, ordered by label and dimensions; each is taken at its own moment.
    package func snapshot() -> Snapshot {
        let (series, refused) = state.withLock { ($0.series, $0.refused) }
        let entries = series.map { id, series in
            Snapshot.Entry(
                label: id.label,
                dimensions: id.dimensions,
                kind: id.kind,
                figures: series.figures.withLock { $0 }
            )
        }
        return Snapshot(
            entries: entries.sorted { $0.order.lexicographicallyPrecedes($1.order) },
            refusedSeries: refused
        )
    }

    /// What sort of instrument a series belongs to.
    package enum Kind: String, Sendable {
        case counter, gauge, timer, recorder
    }

    /// The figures at one moment.
    package struct Snapshot: Sendable {
        package let entries: [Entry]
        /// How often a series was refused because there were too many.
        package let refusedSeries: Int

        /// One series and its figures; a timer's are in seconds.
        package struct Entry: Sendable {
            package let label: String
            package let dimensions: [Dimension]
            package let kind: Kind
            package let figures: Figures

            fileprivate var order: [String] {
                [label] + dimensions.flatMap { [$0.name, $0.value] } + [kind.rawValue]
            }
        }

        /// The figures of one series, if it is there.
        package func figures(_ label: String, _ dimensions: [Dimension] = []) -> Figures? {
            entries.first { $0.label == label && $0.dimensions == dimensions }?.figures
        }
    }

    private struct SeriesID: Hashable {
        let label: String
        let dimensions: [Dimension]
        let kind: Kind
    }
}

/// One series, shared by all handlers of its label and dimensions.
private final class Series: CounterHandler, GaugeHandler, TimerHandler, RecorderHandler {
    let figures: Lock<Figures>
    private let isGauge: Bool

    init(_ kind: MemoryMetrics.Kind) {
        isGauge = kind == .gauge
        figures = Lock(Figures())
    }

    func increment(by amount: Int) {
        figures.withLock { $0.count(amount) }
    }

    func record(_ value: Double) {
        figures.withLock { isGauge ? $0.set(value) : $0.add(value) }
    }

    func record(_ duration: Duration) {
        figures.withLock { $0.add(duration / .seconds(1)) }
    }
}
