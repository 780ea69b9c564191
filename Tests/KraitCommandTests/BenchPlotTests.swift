import Foundation
import FoundationXML
import Krait
import KraitTestSupport
import Testing

@testable import Benchmarks
@testable import KraitCommand

/// Pictures and tables of what benches have measured.
@Suite(.timeLimit(.minutes(1))) struct BenchPlotTests {
    private static func echo(_ path: String, _ window: Int64, _ rate: Double) -> ValueMap {
        [
            "bench": "echo", "path": .string(path), "workers": 1, "window": .int(window),
            "codec": "msgpack", "repetition": 1, "n": 10, "calls_per_s": .double(rate),
            "p50_us": .double(1_000_000 * Double(window) / rate), "p99_us": 9_999,
        ]
    }

    private static let echoes: [ValueMap] = [
        echo("krait", 1, 4_800), echo("floor", 1, 5_800), echo("krait", 64, 117_000),
        echo("floor", 64, 115_000), echo("krait", 1_000, 190_000), echo("krait", 1_000, 194_000),
        echo("krait", 1_000, 192_000), echo("floor", 1_000, 190_000), echo("ratio", 1_000, 1.01),
    ]

    @Test func `what has many values is drawn as lines, by the medians, with the floor`() throws {
        let panels = PlotReading(Self.echoes).panels
        #expect(panels.map(\.title) == ["echo: calls per second", "echo: p50"])
        guard case .lines(let series, over: "window") = try #require(panels.first).content else {
            Issue.record("no lines: \(panels)")
            return
        }
        #expect(series.map(\.name) == ["krait", "floor"])
        #expect(series.map(\.isFloor) == [false, true])
        #expect(series[0].points.map(\.x) == [1, 64, 1_000])
        #expect(series[0].points.map(\.y) == [4_800, 117_000, 192_000])
    }

    @Test func `what was measured of peers is drawn as bars, the best first`() throws {
        func line(_ bench: String, _ path: String, _ more: ValueMap) -> ValueMap {
            var line: ValueMap = ["bench": .string(bench), "path": .string(path)]
            for (key, value) in more.entries { line[key] = value }
            return line
        }
        let lines = [
            line("peers.echo", "Dask actors", ["window": 1, "calls_per_s": 400]),
            line("peers.echo", "Dask actors", ["window": 100, "calls_per_s": 800]),
            line("peers.echo", "Krait", ["window": 1, "calls_per_s": 4_000]),
            line("peers.echo", "Krait", ["window": 100, "calls_per_s": 90_000]),
            line("peers.failed", "Ray <actors>", ["reason": "there is no ray"]),
        ]
        let panels = PlotReading(lines).panels
        #expect(
            panels.map(\.title) == [
                "peers.echo: calls per second, window 1",
                "peers.echo: calls per second, window 100",
            ]
        )
        guard case .bars(let bars) = try #require(panels.last).content else {
            Issue.record("no bars: \(panels)")
            return
        }
        #expect(bars.map(\.name) == ["Krait", "Dask actors", "Ray <actors>"])
        #expect(bars.map(\.value) == [90_000, 800, nil] && bars[0].isOurs)
        let svg = Plot(lines, title: "a & b", caption: "here").svg
        let texts = try Reader.texts(in: svg)
        #expect(texts.contains("Ray <actors>") && texts.contains("no figure"))
        #expect(texts.contains("90 k") && texts.contains("a & b"))
    }

    @Test func `a picture is well-formed, and has each series, its units and its caption`() throws {
        let svg = Plot(Self.echoes, title: "echo", caption: "a machine · commit 1234").svg
        let texts = try Reader.texts(in: svg)
        for text in [
            "echo", "krait", "floor", "window", "calls per second", "100 k", "10 ms", "1 k",
            "a machine · commit 1234",
        ] {
            #expect(texts.contains(text), "\(text) is not in \(texts)")
        }
        #expect(svg.contains("prefers-color-scheme:dark") && svg.contains("stroke-dasharray"))
    }

    @Test func `lines without figures have no picture`() {
        #expect(Plot([], title: "", caption: "").isEmpty)
        #expect(Plot([["bench": "echo", "reason": "x"]], title: "", caption: "").isEmpty)
    }

    @Test(arguments: [
        ([1.0, 64, 1_000], true, [1.0, 10, 100, 1_000]), ([3, 7], false, [0, 2, 4, 6, 8]),
        ([0, 5_000], false, [0, 2_000, 4_000, 6_000]), ([], false, [0, 0.25, 0.5, 0.75, 1]),
    ])
    func `an axis holds its numbers`(numbers: [Double], isLogarithmic: Bool, ticks: [Double]) {
        let scale = PlotScale(holding: numbers)
        #expect(scale.isLogarithmic == isLogarithmic && scale.ticks == ticks)
        for number in numbers { #expect((0...1).contains(scale.place(of: number))) }
    }

    @Test(arguments: [
        (PlotUnit.microseconds, 281.4, "281 µs"), (.microseconds, 1_250, "1.25 ms"),
        (.milliseconds, 7_465, "7.47 s"), (.bytes, 16_777_216, "16 MiB"),
        (.perSecond("calls"), 13_690, "13.7 k"), (.plain("window"), 64, "64"),
    ])
    func `figures are short, with their units`(unit: PlotUnit, number: Double, text: String) {
        #expect(unit.text(number) == text)
    }

    @Test func `figures are kept as a bench prints them, whatever else it prints`() throws {
        let memory = MemorySink()
        let sink = BenchPlot.Sink(before: memory)
        for part in [
            "echo, 1 worker\n", "{\"bench\": \"ec", "ho\", \"n\": 1}\n{\"x\n", "{\"n\": 2}",
        ] {
            try sink.write(part)
        }
        #expect(sink.lines == [["bench": "echo", "n": 1]])
        #expect(memory.text.hasPrefix("echo, 1 worker\n{\"bench\""))
    }

    @Test func `the table has a row for each peer, and says what was not measured`() {
        var table = PeersTable()
        for rate in [3_000, 1_000, 2_000] as [Int64] {
            table.add(["bench": "echo", "path": "Krait", "window": 1, "calls_per_s": .int(rate)])
        }
        table.add(["bench": "array", "path": "Krait", "p50_us": 12_340])
        let kill: ValueMap = ["bench": "kill", "path": "Krait", "failed": 50, "replaced_ms": 80.4]
        for isIdempotent in [false, true] {
            var line = kill
            line["idempotent"] = .bool(isIdempotent)
            if isIdempotent { line["failed"] = 0 }
            table.add(line)
        }
        table.add(["bench": "kill", "path": "zmq", "failed": 0, "unanswered": 100])
        for _ in 0..<2 { table.add(["bench": "failed", "path": "Ray", "reason": "no ray"]) }
        let lines = table.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        #expect(lines[1].hasPrefix("Krait          2000"))
        #expect(lines[1].contains("12.3"))
        #expect(lines[1].contains("50 calls failed (0 of idempotent ones), replaced in 80 ms"))
        #expect(lines[2].contains("0 calls failed, 100 never answered, not replaced"))
        #expect(lines[4] == "Ray: not measured: no ray")
    }
}

/// The texts of an XML document, which must be well-formed.
private final class Reader: NSObject, XMLParserDelegate {
    private var texts: [String] = []
    private var open: [String] = []

    static func texts(in document: String) throws -> [String] {
        let reader = Reader()
        let parser = XMLParser(data: Data(document.utf8))
        parser.delegate = reader
        let isWhole = parser.parse()
        try #require(isWhole, "\(String(describing: parser.parserError)) in \(document)")
        return reader.texts
    }

    func parser(
        _ parser: XMLParser,
        didStartElement name: String,
        namespaceURI: String?,
        qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(name)
        if name == "text" || name == "title" { texts.append("") }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        guard open.last == "text" || open.last == "title" else { return }
        texts[texts.count - 1] += string
    }

    func parser(
        _ parser: XMLParser,
        didEndElement name: String,
        namespaceURI: String?,
        qualifiedName: String?
    ) { open.removeLast() }
}
