/// Where the parts of Krait get their instruments from.
///
/// The shapes are swift-metrics': an instrument is made once, with a label such as
/// `krait.pool.queue.depth` and its dimensions, and used many times. The default does nothing.
package struct Metrics: Sendable {
    private let factory: any MetricsFactory

    package init(_ factory: some MetricsFactory) {
        self.factory = factory
    }

    /// Instruments that do nothing.
    package static var none: Metrics { Metrics(NoMetrics()) }

    package func counter(_ label: String, _ dimensions: [Dimension] = []) -> Counter {
        Counter(handler: factory.makeCounter(label: label, dimensions: dimensions))
    }

    package func gauge(_ label: String, _ dimensions: [Dimension] = []) -> Gauge {
        Gauge(handler: factory.makeGauge(label: label, dimensions: dimensions))
    }

    package func timer(_ label: String, _ dimensions: [Dimension] = []) -> Timer {
        Timer(handler: factory.makeTimer(label: label, dimensions: dimensions))
    }

    package func recorder(_ label: String, _ dimensions: [Dimension] = []) -> Recorder {
        Recorder(handler: factory.makeRecorder(label: label, dimensions: dimensions))
    }
}

/// What an instrument is about, such as `pool` = `general`.
///
/// Few values only: each is a series.
package struct Dimension: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Counts what happens; never goes down.
package struct Counter: Sendable {
    let handler: any CounterHandler

    package func increment(by amount: Int = 1) {
        precondition(amount >= 0, "a counter only goes up")
        handler.increment(by: amount)
    }
}

/// Shows how much there is now.
package struct Gauge: Sendable {
    let handler: any GaugeHandler

    package func record(_ value: Int) { handler.record(Double(value)) }
    package func record(_ value: Double) { handler.record(value) }
}

/// Gathers how long things took.
package struct Timer: Sendable {
    let handler: any TimerHandler

    package func record(_ duration: Duration) { handler.record(duration) }
}

/// Gathers how large things were.
package struct Recorder: Sendable {
    let handler: any RecorderHandler

    package func record(_ value: Int) { handler.record(Double(value)) }
    package func record(_ value: Double) { handler.record(value) }
}
