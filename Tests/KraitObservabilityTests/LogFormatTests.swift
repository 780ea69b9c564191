import Foundation
import Testing

@testable import KraitObservability

@Suite struct LogFormatTests {
    private func record(
        _ message: String = "ready",
        level: LogLevel = .info,
        _ metadata: Logger.Metadata = [:]
    ) -> LogRecord {
        LogRecord(
            time: LogTime(seconds: 1_772_368_205, nanoseconds: 250_999_999),
            level: level,
            label: "krait",
            message: message,
            metadata: metadata
        )
    }

    @Test(arguments: [
        (LogTime(seconds: 0), "1970-01-01T00:00:00.000Z"),
        (LogTime(seconds: 951_782_399, nanoseconds: 999_999_999), "2000-02-28T23:59:59.999Z"),
        (LogTime(seconds: 951_782_400), "2000-02-29T00:00:00.000Z"),
        (LogTime(seconds: 4_102_444_800, nanoseconds: 1_000_000), "2100-01-01T00:00:00.001Z"),
    ])
    func `time is written in UTC with milliseconds`(time: LogTime, text: String) {
        #expect(time.description == text)
    }

    @Test func `the time is the present`() {
        let now = LogTime.now()
        #expect(abs(Double(now.seconds) - Date().timeIntervalSince1970) < 60)
        #expect((0..<1_000_000_000).contains(now.nanoseconds))
    }

    @Test func `a line of text has aligned columns and its facts by key`() {
        let format = LogFormat.text
        #expect(
            format.line(for: record("ready", [.worker: "g/1", .pool: "g", .count: 2]))
                == "2026-03-01T12:30:05.250Z  info      krait  ready                           "
                + "  count=2  pool.name=g  worker.name=g/1"
        )
        #expect(
            format.line(for: record("stopped", level: .critical))
                == "2026-03-01T12:30:05.250Z  critical  krait  stopped"
        )
    }

    @Test(arguments: [
        ("plain", "plain"), ("", #""""#), ("two words", #""two words""#), ("a=b", #""a=b""#),
        (#"say "no""#, #""say \"no\"""#), ("a\nb", #"a\nb"#), ("a\r\tb", #"a\r\tb"#),
        (#"a\nb"#, #"a\\nb"#), ("\u{1B}[31m", #"\u{1b}[31m"#), ("\u{0}", #"\u{0}"#),
        ("\u{85}\u{2028}", #"\u{85}\u{2028}"#), ("\u{202E}abc", #"\u{202e}abc"#),
        ("grün 日本 🎉", #""grün 日本 🎉""#),
    ])
    func `a value in text is escaped and quoted where its end were unclear`(
        value: String,
        shown: String
    ) {
        let line = LogFormat.text.line(for: record([.reason: .string(value)]))
        #expect(line.hasSuffix("  reason=\(shown)"))
    }

    private func record(_ metadata: Logger.Metadata) -> LogRecord { record("ready", metadata) }

    @Test(arguments: [LogFormat.text, .colouredText, .json])
    func `nothing in a record begins a second line`(format: LogFormat) {
        let nasty = "a\nb\r\u{2028}c\u{85}d"
        let record = LogRecord(
            time: LogTime(seconds: 0),
            level: .info,
            label: nasty,
            message: nasty,
            metadata: [LogKey(rawValue: nasty): .string(nasty)]
        )
        let line = format.line(for: record)
        #expect(!line.contains { $0.isNewline })
    }

    @Test func `a long value is cut between scalars and the rest is counted`() throws {
        // The limit falls into the middle of the last letter that is kept whole or not at all.
        let text = "a" + String(repeating: "é", count: 3_000)
        let line = LogFormat.text.line(for: record([.reason: .string(text)]))
        let value = try #require(line.split(separator: "reason=").last)
        #expect(
            value == "\"a\(String(repeating: "é", count: 2_047))…(1906 more bytes)\""
        )
        let json = LogFormat.json.line(for: record([.reason: .string(text)]))
        #expect(json.hasSuffix("é…(1906 more bytes)\"}}"))
    }

    @Test func `colours mark the level and the names of facts`() {
        let format = LogFormat.colouredText
        #expect(
            format.line(for: record("late", level: .warning, [.count: 1]))
                == "2026-03-01T12:30:05.250Z  \u{1B}[33mwarning \u{1B}[0m  krait  "
                + "late                              \u{1B}[2mcount=\u{1B}[0m1"
        )
        let plain = format.line(for: record("ready"))
        #expect(plain == LogFormat.text.line(for: record("ready")))
        let colours = LogLevel.allCases.map { format.line(for: record(level: $0)) }
        #expect(Set(colours).count == LogLevel.allCases.count)
    }

    @Test(
        arguments: [
            (true, "xterm", nil, true), (true, "xterm", "", true), (true, "xterm", "1", false),
            (true, "dumb", nil, false), (true, nil, nil, false), (false, "xterm", nil, false),
        ] as [(Bool, String?, String?, Bool)]
    )
    func `colours are for terminals that have them and users who want them`(
        isTerminal: Bool,
        term: String?,
        noColor: String?,
        expected: Bool
    ) {
        let shows = LineLogHandler.showsColours(
            isTerminal: isTerminal,
            term: term,
            noColor: noColor
        )
        #expect(shows == expected)
    }

    @Test func `a line of JSON reads back with its types`() throws {
        let metadata: Logger.Metadata = [
            .reason: "say \"no\"\n\u{1B}\u{10FFFF}\\", .count: -3, "share": 0.25, "open": true,
            "none": .number(.nan),
        ]
        let line = LogFormat.json.line(for: record("höher", level: .error, metadata))
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        )
        #expect(object["time"] as? String == "2026-03-01T12:30:05.250Z")
        #expect(object["level"] as? String == "error")
        #expect(object["label"] as? String == "krait")
        #expect(object["message"] as? String == "höher")
        let facts = try #require(object["metadata"] as? [String: Any])
        #expect(facts["reason"] as? String == "say \"no\"\n\u{1B}\u{10FFFF}\\")
        #expect(facts["count"] as? Int == -3)
        #expect(facts["share"] as? Double == 0.25)
        #expect(facts["open"] as? Bool == true)
        #expect(facts["none"] as? String == "nan")
    }

    @Test func `a line of JSON without facts has no empty object`() {
        #expect(
            LogFormat.json.line(for: record())
                == #"{"time":"2026-03-01T12:30:05.250Z","level":"info","label":"krait","#
                + #""message":"ready"}"#
        )
    }
}
