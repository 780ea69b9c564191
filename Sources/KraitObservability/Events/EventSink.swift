/// Where events are told: each becomes a log line and a count.
///
/// A value: a part takes one from whoever makes it and adds its own facts to its copy, so that an
/// event of a pool carries the pool's name without anybody repeating it.
///
/// The line's message is the event's name, its facts are the metadata; the count is
/// `krait.events`, with the event's name as dimension `event`.
package struct EventSink: Sendable {
    private var logger: Logger
    private let counters: [Event: Counter]

    package init(logger: Logger, metrics: Metrics = .none) {
        self.logger = logger
        var counters: [Event: Counter] = [:]
        for event in Event.allCases {
            let name = Dimension("event", event.rawValue)
            counters[event] = metrics.counter("krait.events", [name])
        }
        self.counters = counters
    }

    /// A sink that tells nobody.
    package static var none: EventSink { EventSink(logger: .none) }

    /// A fact that goes with every event of this sink.
    package subscript(metadataKey key: LogKey) -> LogValue? {
        get { logger[metadataKey: key] }
        set { logger[metadataKey: key] = newValue }
    }

    /// Tells that `event` has happened.
    package func emit(_ event: Event, metadata: @autoclosure () -> Logger.Metadata = [:]) {
        counters[event]?.increment()
        logger.log(level: event.level, event.rawValue, metadata: metadata())
    }
}
