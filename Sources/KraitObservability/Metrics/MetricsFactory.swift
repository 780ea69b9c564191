/// Makes the instruments' other halves: what is done with the figures.
///
/// Asked twice for the same label and dimensions it gives handlers that count together.
package protocol MetricsFactory: Sendable {
    func makeCounter(label: String, dimensions: [Dimension]) -> any CounterHandler
    func makeGauge(label: String, dimensions: [Dimension]) -> any GaugeHandler
    func makeTimer(label: String, dimensions: [Dimension]) -> any TimerHandler
    func makeRecorder(label: String, dimensions: [Dimension]) -> any RecorderHandler
}

package protocol CounterHandler: Sendable {
    func increment(by amount: Int)
}

package protocol GaugeHandler: Sendable {
    func record(_ value: Double)
}

package protocol TimerHandler: Sendable {
    func record(_ duration: Duration)
}

package protocol RecorderHandler: Sendable {
    func record(_ value: Double)
}

/// Instruments that do nothing.
package struct NoMetrics: MetricsFactory {
    package init() {}

    package func makeCounter(label: String, dimensions: [Dimension]) -> any CounterHandler {
        NoHandler()
    }

    package func makeGauge(label: String, dimensions: [Dimension]) -> any GaugeHandler {
        NoHandler()
    }

    package func makeTimer(label: String, dimensions: [Dimension]) -> any TimerHandler {
        NoHandler()
    }

    package func makeRecorder(label: String, dimensions: [Dimension]) -> any RecorderHandler {
        NoHandler()
    }
}

struct NoHandler: CounterHandler, GaugeHandler, TimerHandler, RecorderHandler {
    func increment(by amount: Int) {}
    func record(_ value: Double) {}
    func record(_ duration: Duration) {}
}
