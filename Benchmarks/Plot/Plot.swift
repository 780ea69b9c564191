import Krait

/// A picture of what benches printed: throughput and latency, ours and theirs.
package struct Plot: Sendable {
    private let panels: [PlotPanel]
    private let title: String
    private let caption: String

    /// Reads lines of figures, as `krait bench --json` prints them.
    ///
    /// - Parameter caption: where and of what they were taken.
    package init(_ lines: [ValueMap], title: String, caption: String) {
        panels = PlotReading(lines).panels
        self.title = title
        self.caption = caption
    }

    /// Whether there is nothing to draw.
    package var isEmpty: Bool { panels.isEmpty }

    private static let panelWidth = 470.0
    private static let (top, bottom, margin, gap) = (48.0, 34.0, 16.0, 24.0)
    private static let linesHeight = 210.0
    private static let barHeight = 22.0

    /// The picture, two panels a row.
    package var svg: String {
        let rows = stride(from: 0, to: panels.count, by: 2).map { Array(panels[$0...].prefix(2)) }
        let heights = rows.map { row in row.map(Self.height).max() ?? 0 }
        let columns = min(2, max(1, panels.count))
        let width =
            2 * Self.margin + Double(columns) * Self.panelWidth + Double(columns - 1) * Self.gap
        let gaps = Double(rows.count) * Self.gap
        let height = heights.reduce(Self.top + Self.bottom + gaps, +)
        var drawing = Drawing(width: width, height: height)
        drawing.text(title, (Self.margin, 28), "head")
        var y = Self.top
        for (row, height) in zip(rows, heights) {
            for (column, panel) in row.enumerated() {
                let x = Self.margin + Double(column) * (Self.panelWidth + Self.gap)
                Self.draw(panel, at: (x, y), into: &drawing)
            }
            y += height + Self.gap
        }
        drawing.text(caption, (Self.margin, height - 14), "faint")
        return drawing.svg(title: title)
    }

    private static func height(of panel: PlotPanel) -> Double {
        switch panel.content {
        case .lines(let series, _): 30 + linesHeight + 46 + 18 * Double((series.count + 1) / 2)
        case .bars(let bars): 30 + barHeight * Double(bars.count) + 8
        }
    }

    private static func draw(
        _ panel: PlotPanel,
        at place: (x: Double, y: Double),
        into drawing: inout Drawing
    ) {
        drawing.text(panel.title, (place.x, place.y + 14), "title")
        switch panel.content {
        case .lines(let series, let axis):
            lines(series, over: axis, panel.unit, at: (place.x, place.y + 30), into: &drawing)
        case .bars(let bars):
            self.bars(bars, panel.unit, at: (place.x, place.y + 26), into: &drawing)
        }
    }

    // MARK: Bars

    private static func bars(
        _ bars: [PlotPanel.Bar],
        _ unit: PlotUnit,
        at place: (x: Double, y: Double),
        into drawing: inout Drawing
    ) {
        let scale = PlotScale(holding: bars.compactMap(\.value), spread: 40)
        let (left, room) = (150.0, panelWidth - 150 - 76)
        let bottom = place.y + barHeight * Double(bars.count)
        for tick in scale.ticks {
            let x = place.x + left + room * scale.place(of: tick)
            drawing.line((x, place.y), (x, bottom), "grid")
        }
        for (index, bar) in bars.enumerated() {
            let y = place.y + barHeight * Double(index)
            let middle = y + barHeight / 2 + 4
            drawing.text(bar.name, (place.x + left - 8, middle), "name", anchor: .end)
            guard let value = bar.value else {
                drawing.text("no figure", (place.x + left + 4, middle), "faint")
                continue
            }
            let length = room * scale.place(of: value)
            drawing.bar(
                (place.x + left, y + 3),
                width: length,
                height: barHeight - 6,
                bar.isOurs ? "ours" : "theirs"
            )
            drawing.text(unit.text(value), (place.x + left + length + 6, middle), "value")
        }
        drawing.line((place.x + left, place.y), (place.x + left, bottom), "axis")
        if scale.isLogarithmic {
            drawing.text("logarithmic", (place.x + panelWidth, place.y - 12), "faint", anchor: .end)
        }
    }

    // MARK: Lines

    private static func lines(
        _ series: [PlotPanel.Series],
        over axis: String,
        _ unit: PlotUnit,
        at place: (x: Double, y: Double),
        into drawing: inout Drawing
    ) {
        let horizontal = PlotScale(holding: series.flatMap(\.points).map(\.x), spread: 8)
        let vertical = PlotScale(holding: series.flatMap(\.points).map(\.y))
        let (left, room) = (64.0, panelWidth - 64 - 12)
        let across: PlotUnit = axis.hasSuffix("bytes") ? .bytes : .plain(axis)
        func at(_ point: PlotPanel.Point) -> (x: Double, y: Double) {
            (
                place.x + left + room * horizontal.place(of: point.x),
                place.y + linesHeight * (1 - vertical.place(of: point.y))
            )
        }
        let origin = PlotPanel.Point(
            x: horizontal.range.lowerBound,
            y: vertical.range.lowerBound
        )
        for tick in vertical.ticks {
            let y = at(.init(x: origin.x, y: tick)).y
            drawing.line((place.x + left, y), (place.x + left + room, y), "grid")
            drawing.text(unit.text(tick), (place.x + left - 6, y + 4), "faint", anchor: .end)
        }
        for tick in horizontal.ticks {
            let x = at(.init(x: tick, y: origin.y)).x
            drawing.line((x, place.y + linesHeight), (x, place.y + linesHeight + 4), "axis")
            let below = (x, place.y + linesHeight + 17)
            drawing.text(across.text(tick), below, "faint", anchor: .middle)
        }
        let corner = at(origin)
        drawing.line(corner, (corner.x + room, corner.y), "axis")
        drawing.line(corner, (corner.x, corner.y - linesHeight), "axis")
        let under = place.y + linesHeight + 33
        drawing.text(
            across.title,
            (place.x + left + room / 2, under),
            "faint",
            anchor: .middle
        )
        drawing.text(unit.title, (place.x + panelWidth, place.y - 16), "faint", anchor: .end)
        let styles = styles(of: series)
        for (one, style) in zip(series, styles) {
            drawing.path(one.points.map(at), style.line)
            for point in one.points {
                let hint = "\(one.name): \(unit.text(point.y)) at \(across.text(point.x))"
                drawing.dot(at(point), style.dot, hint)
            }
        }
        for (index, one) in series.enumerated() {
            let x = place.x + left + Double(index % 2) * room / 2
            let y = under + 18 * Double(index / 2 + 1)
            drawing.path([(x, y - 4), (x + 22, y - 4)], styles[index].line)
            drawing.text(one.name, (x + 28, y), "name")
        }
    }

    /// Colours for ours in turn; what they are held against is grey, and dashed or dotted.
    private static func styles(
        of series: [PlotPanel.Series]
    ) -> [(line: String, dot: String)] {
        var (next, floors) = (0, 0)
        return series.map { one in
            if one.isFloor {
                defer { floors += 1 }
                return (floors % 2 == 0 ? "floor" : "floor dotted", "floordot")
            }
            defer { next += 1 }
            let colour = next % Drawing.colours.count
            return ("line line\(colour)", "dot\(colour)")
        }
    }
}
