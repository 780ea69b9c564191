import Testing

@testable import KraitObservability

@Suite struct LoggerTests {
    private let memory = MemoryLogHandler()

    @Test(arguments: LogLevel.allCases)
    func `a line is made only from the logger's level on`(level: LogLevel) {
        let logger = Logger(label: "krait", handler: memory, level: .notice)
        var evaluations = 0
        func text() -> String {
            evaluations += 1
            return "text"
        }
        logger.log(level: level, text())
        #expect(evaluations == (level >= .notice ? 1 : 0))
        #expect(memory.records.count == evaluations)
    }

    @Test func `each level has its own method`() {
        let logger = Logger(label: "krait", handler: memory, level: .trace)
        logger.trace("trace")
        logger.debug("debug")
        logger.info("info")
        logger.notice("notice")
        logger.warning("warning")
        logger.error("error")
        logger.critical("critical")
        #expect(memory.records.map(\.level) == LogLevel.allCases)
        #expect(memory.records.map(\.message) == LogLevel.allCases.map(\.rawValue))
    }

    @Test func `levels are ordered as they are listed`() {
        #expect(LogLevel.allCases.sorted() == LogLevel.allCases)
        #expect(LogLevel.allCases.shuffled().sorted() == LogLevel.allCases)
    }

    @Test func `a line's facts win over the logger's`() {
        var logger = Logger(label: "krait", handler: memory)
        logger[metadataKey: .pool] = "general"
        logger[metadataKey: .worker] = "general/1"
        logger.info("moved", metadata: [.worker: "general/2", .workerPID: 12])
        #expect(logger[metadataKey: .worker] == "general/1")
        #expect(
            memory.records.first?.metadata
                == [.pool: "general", .worker: "general/2", .workerPID: 12]
        )
    }

    @Test func `a copy's facts stay its own`() {
        let logger = Logger(label: "krait", handler: memory)
        var copy = logger
        copy[metadataKey: .pool] = "general"
        logger.info("first")
        copy.info("second")
        #expect(memory.records.map(\.metadata) == [[:], [.pool: "general"]])
        #expect(memory.records.map(\.label) == ["krait", "krait"])
    }

    @Test func `a memory of three keeps the last three in order`() {
        let memory = MemoryLogHandler(maximumRecords: 3)
        let logger = Logger(label: "krait", handler: memory)
        var seen: [[String]] = []
        for number in 1...5 {
            logger.info("\(number)")
            seen.append(memory.records.map(\.message))
        }
        #expect(
            seen == [
                ["1"], ["1", "2"], ["1", "2", "3"], ["2", "3", "4"], ["3", "4", "5"],
            ]
        )
    }

    @Test func `a logger of none has no text made for it below critical`() {
        var evaluated = false
        func text() -> String {
            evaluated = true
            return ""
        }
        Logger.none.error(text())
        #expect(!evaluated)
        Logger.none.critical(text())
        #expect(evaluated)
    }

    @Test(arguments: [
        (Duration.zero, "0µs"), (.nanoseconds(1_600), "2µs"), (.microseconds(999), "999µs"),
        (.milliseconds(1), "1.0ms"), (.microseconds(12_340), "12.3ms"), (.seconds(1), "1.0s"),
        (.milliseconds(61_234), "61.23s"), (.milliseconds(-2_500), "-2.5s"),
    ])
    func `a length of time is logged with its unit`(duration: Duration, text: String) {
        #expect(LogValue.duration(duration).description == text)
    }

    @Test func `values can be written as literals`() {
        let values: [LogValue] = ["text", "a\(1)", 3, 1.5, true]
        #expect(
            values == [
                .string("text"), .string("a1"), .integer(3), .number(1.5), .boolean(true),
            ]
        )
        #expect(values.map(\.description) == ["text", "a1", "3", "1.5", "true"])
    }
}
