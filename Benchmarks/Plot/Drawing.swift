/// Writes SVG: shapes with classes, whose colours a style sheet gives for light and for dark.
struct Drawing {
    private(set) var width: Double
    private(set) var height: Double
    private var body = ""

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    mutating func line(
        _ from: (x: Double, y: Double),
        _ to: (x: Double, y: Double),
        _ style: String
    ) {
        body += "<line x1=\"\(n(from.x))\" y1=\"\(n(from.y))\" x2=\"\(n(to.x))\" "
        body += "y2=\"\(n(to.y))\" class=\"\(style)\"/>\n"
    }

    mutating func path(_ points: [(x: Double, y: Double)], _ style: String) {
        guard let first = points.first else { return }
        let rest = points.dropFirst().map { "L\(n($0.x)) \(n($0.y))" }.joined()
        body += "<path d=\"M\(n(first.x)) \(n(first.y))\(rest)\" class=\"\(style)\"/>\n"
    }

    mutating func dot(_ at: (x: Double, y: Double), _ style: String, _ hint: String) {
        body += "<circle cx=\"\(n(at.x))\" cy=\"\(n(at.y))\" r=\"3.2\" class=\"\(style)\">"
        body += "<title>\(Self.escaped(hint))</title></circle>\n"
    }

    mutating func bar(
        _ at: (x: Double, y: Double),
        width: Double,
        height: Double,
        _ style: String
    ) {
        body += "<rect x=\"\(n(at.x))\" y=\"\(n(at.y))\" width=\"\(n(max(0, width)))\" "
        body += "height=\"\(n(height))\" rx=\"2\" class=\"\(style)\"/>\n"
    }

    mutating func text(
        _ text: String,
        _ at: (x: Double, y: Double),
        _ style: String,
        anchor: Anchor = .start
    ) {
        body += "<text x=\"\(n(at.x))\" y=\"\(n(at.y))\" class=\"\(style)\" "
        body += "text-anchor=\"\(anchor.rawValue)\">\(Self.escaped(text))</text>\n"
    }

    enum Anchor: String { case start, middle, end }

    /// The whole document.
    func svg(title: String) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(n(width)) \(n(height))" \
        width="\(n(width))" height="\(n(height))" role="img">
        <title>\(Self.escaped(title))</title>
        <style>\(Self.style)</style>
        <rect width="100%" height="100%" class="ground"/>
        \(body)</svg>

        """
    }

    /// Colours that those who cannot tell red from green can tell apart, on white and on black.
    static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]

    private static var style: String {
        let series = colours.enumerated().map { index, colour in
            ".line\(index){stroke:\(colour)}.dot\(index){fill:\(colour)}"
        }
        return """
            text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;\
            font-size:12px;fill:#24292f}.head{font-size:16px;font-weight:600}\
            .title{font-size:13px;font-weight:600}.faint{fill:#57606a;font-size:11px}\
            .ground{fill:#ffffff}.grid{stroke:#d8dee4;stroke-width:1}\
            .axis{stroke:#8c959f;stroke-width:1}.line{fill:none;stroke-width:2.2}\
            .floor{fill:none;stroke:#8c959f;stroke-width:2;stroke-dasharray:6 4}\
            .dotted{stroke-dasharray:2 3}.floordot{fill:#8c959f}.ours{fill:#0072b2}\
            .theirs{fill:#b6bfc8}\(series.joined())\
            @media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9aa4af}\
            .ground{fill:#0d1117}.grid{stroke:#262c34}.axis{stroke:#6e7681}\
            .ours{fill:#56b4e9}.theirs{fill:#484f58}.line0{stroke:#56b4e9}.dot0{fill:#56b4e9}}
            """
    }

    private func n(_ number: Double) -> String {
        let tenths = (number * 10).rounded()
        let whole = Int(tenths)
        return whole % 10 == 0 ? "\(whole / 10)" : "\(tenths / 10)"
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            // XML has no way to write the others.
            case _ where scalar.value < 0x20: escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
