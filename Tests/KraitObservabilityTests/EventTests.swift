import Testing

@testable import KraitObservability

@Suite struct EventTests {
    @Test(arguments: Event.allCases)
    func `an event's name has two parts and its text is a sentence`(event: Event) {
        let parts = event.rawValue.split(separator: ".")
        #expect(parts.count == 2)
        #expect(event.rawValue.allSatisfy { $0.isLowercase || $0 == "." || $0 == "_" })
        #expect(event.documentation.first?.isUppercase == true)
        #expect(event.documentation.hasSuffix("."))
    }

    @Test func `an event is logged at its level and counted`() {
        let log = MemoryLogHandler()
        let metrics = MemoryMetrics()
        var sink = EventSink(
            logger: Logger(label: "krait", handler: log),
            metrics: Metrics(metrics)
        )
        sink[metadataKey: .pool] = "general"
        sink.emit(.workerCrashed, metadata: [.signal: 9])
        sink.emit(.workerCrashed)
        // Below the logger's level: counted all the same.
        sink.emit(.workerReady)
        #expect(log.records.map(\.message) == ["worker.crashed", "worker.crashed"])
        #expect(log.records.map(\.level) == [.warning, .warning])
        #expect(log.records.first?.metadata == [.pool: "general", .signal: 9])
        #expect(sink[metadataKey: .pool] == "general")
        let snapshot = metrics.snapshot()
        func count(_ event: Event) -> Int? {
            snapshot.figures("krait.events", [Dimension("event", event.rawValue)])?.count
        }
        #expect(count(.workerCrashed) == 2)
        #expect(count(.workerReady) == 1)
        #expect(count(.poolFailed) == 0)
    }

    @Test func `a sink of none takes events`() {
        EventSink.none.emit(.poolFailed, metadata: [.reason: "no python"])
        #expect(EventSink.none[metadataKey: .pool] == nil)
    }
}
