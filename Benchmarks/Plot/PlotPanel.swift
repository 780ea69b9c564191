import Krait

/// One diagram of a plot: figures of one bench and one kind, as lines over a parameter that has
/// many values, or as bars.
struct PlotPanel: Equatable {
    var title: String
    var unit: PlotUnit
    var content: Content

    enum Content: Equatable {
        case lines([Series], over: String)
        case bars([Bar])
    }

    struct Series: Equatable {
        var name: String
        var points: [Point]
        /// Whether it is what Krait's figures are held against.
        var isFloor: Bool
    }

    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    struct Bar: Equatable {
        var name: String
        /// Nil where it was not measured.
        var value: Double?
        var isOurs: Bool
    }
}

/// What a figure counts, told by the end of its name.
enum PlotUnit: Equatable {
    case perSecond(String)
    case microseconds
    case milliseconds
    case bytes
    case plain(String)

    /// Nil for what is no figure, and for figures that a picture has no room for.
    init?(ofFigure name: String) {
        if name.hasPrefix("p99") || name.hasPrefix("p999") { return nil }
        if name.hasSuffix("_per_s") {
            self = .perSecond(String(name.dropLast(6)).replacing("_", with: " "))
        } else if name.hasSuffix("_us") {
            self = .microseconds
        } else if name.hasSuffix("_ms") {
            self = .milliseconds
        } else {
            return nil
        }
    }

    /// Whether less is better.
    var isTime: Bool { self == .microseconds || self == .milliseconds }
}

/// Turns lines of figures, as benches print them, into panels.
struct PlotReading {
    /// Parameters that a figure can be drawn over, the likelier first.
    static let axes = [
        "window", "bytes", "payload_bytes", "rows", "queued", "streams", "credit", "workers",
    ]
    /// From how many values of it on.
    static let valuesForLines = 3
    /// What is neither a parameter nor a figure.
    private static let others: Set<String> = [
        "bench", "path", "n", "repetition", "reason", "failed", "unanswered", "idempotent",
    ]
    private static let mostPanels = 24

    private let lines: [ValueMap]

    init(_ lines: [ValueMap]) { self.lines = lines }

    var panels: [PlotPanel] {
        var benches: [String] = []
        for line in lines {
            guard let bench = line["bench"]?.string, !benches.contains(bench) else { continue }
            benches.append(bench)
        }
        return Array(benches.flatMap(panels(of:)).prefix(Self.mostPanels))
    }

    private func panels(of bench: String) -> [PlotPanel] {
        let rows = lines.filter { $0["bench"]?.string == bench && $0["path"] != "ratio" }
        var figures: [String] = []
        for row in rows {
            for (name, value) in row.entries where value.figure != nil {
                if PlotUnit(ofFigure: name) != nil, !figures.contains(name) { figures.append(name) }
            }
        }
        let differing = parameters(of: rows).filter { name in
            Set(rows.map { $0[name]?.label ?? "" }).count > 1
        }
        let axis = Self.axes.first { name in
            Set(rows.compactMap { $0[name]?.figure }).count >= Self.valuesForLines
        }
        return figures.flatMap { figure -> [PlotPanel] in
            guard let unit = PlotUnit(ofFigure: figure) else { return [] }
            let rows = rows.filter { $0[figure]?.figure != nil }
            if let axis {
                let names = differing.filter { $0 != axis }
                return [lines(of: bench, figure, unit, rows, over: axis, names)]
            }
            return bars(of: bench, figure, unit, rows, differing)
        }
    }

    /// The parameters that lines of figures have, in the order of their appearance.
    private func parameters(of rows: [ValueMap]) -> [String] {
        var names: [String] = []
        for row in rows {
            for (name, value) in row.entries where value.label != nil {
                guard !Self.others.contains(name), !name.hasSuffix("_us"), !name.hasSuffix("_ms"),
                    !name.hasSuffix("_per_s"), !names.contains(name)
                else { continue }
                names.append(name)
            }
        }
        return names
    }

    private func lines(
        of bench: String,
        _ figure: String,
        _ unit: PlotUnit,
        _ rows: [ValueMap],
        over axis: String,
        _ differing: [String]
    ) -> PlotPanel {
        var names: [String] = []
        var found: [String: [Double: [Double]]] = [:]
        for row in rows {
            guard let x = row[axis]?.figure, let y = row[figure]?.figure else { continue }
            let name = Self.name(of: row, differing)
            if found[name] == nil { names.append(name) }
            found[name, default: [:]][x, default: []].append(y)
        }
        let series = names.map { name in
            PlotPanel.Series(
                name: name,
                points: (found[name] ?? [:]).sorted { $0.key < $1.key }
                    .map { .init(x: $0.key, y: median($0.value)) },
                isFloor: name.hasPrefix("floor") || name.hasPrefix("bare")
            )
        }
        return PlotPanel(
            title: "\(bench): \(Self.words(figure))",
            unit: unit,
            content: .lines(series, over: axis)
        )
    }

    /// One panel for each combination of the parameters, and in it one bar for each path.
    private func bars(
        of bench: String,
        _ figure: String,
        _ unit: PlotUnit,
        _ rows: [ValueMap],
        _ differing: [String]
    ) -> [PlotPanel] {
        var titles: [String] = []
        var found: [String: [String: [Double]]] = [:]
        for row in rows {
            guard let value = row[figure]?.figure else { continue }
            let parts = differing.map { "\($0) \(row[$0]?.label ?? "-")" }
            let title = (["\(bench): \(Self.words(figure))"] + parts).joined(separator: ", ")
            if found[title] == nil { titles.append(title) }
            let path = row["path"]?.string ?? bench
            found[title, default: [:]][path, default: []].append(value)
        }
        let family = bench.split(separator: ".").first.map(String.init) ?? bench
        var everybody: [String] = []
        for line in lines where line["bench"]?.string?.hasPrefix(family) == true {
            let path = line["path"]?.string ?? bench
            if path != "ratio", !everybody.contains(path) { everybody.append(path) }
        }
        return titles.map { title in
            let bars = everybody.map { path in
                PlotPanel.Bar(
                    name: path,
                    value: found[title]?[path].map(median),
                    isOurs: path.lowercased().hasPrefix("krait")
                )
            }
            let worst = unit.isTime ? Double.infinity : -.infinity
            return PlotPanel(
                title: title,
                unit: unit,
                content: .bars(
                    bars.sorted {
                        let (one, other) = ($0.value ?? worst, $1.value ?? worst)
                        return unit.isTime ? one < other : one > other
                    }
                )
            )
        }
    }

    /// Such as `krait, 2 workers`.
    private static func name(of row: ValueMap, _ differing: [String]) -> String {
        let parts = differing.map { name in
            let value = row[name]?.label ?? "-"
            guard name.hasSuffix("s") else { return "\(name) \(value)" }
            return value == "1" ? "1 \(name.dropLast())" : "\(value) \(name)"
        }
        return ([row["path"]?.string ?? "krait"] + parts).joined(separator: ", ")
    }

    /// A figure's name as a title has it.
    private static func words(_ figure: String) -> String {
        figure.replacing("_per_s", with: " per second").replacing("_us", with: "")
            .replacing("_ms", with: "").replacing("_", with: " ")
    }
}

extension Value {
    /// As a number to draw.
    fileprivate var figure: Double? {
        guard let number = double ?? int.map(Double.init), number.isFinite else { return nil }
        return number
    }

    /// As a parameter's value in a legend.
    fileprivate var label: String? {
        switch self {
        case .string(let text): text
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        default: nil
        }
    }
}
