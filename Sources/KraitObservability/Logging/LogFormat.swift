/// How a record becomes one line, without its newline.
public enum LogFormat: Sendable, Hashable {
    /// For people: time, level and label in columns, then the message, then `key=value` by key.
    case text
    /// Text with the level in a colour and the names of facts dimmed.
    case colouredText
    /// For programs: one JSON object a line.
    case json

    /// The record as one line; nothing that a record holds can begin a second one.
    public func line(for record: LogRecord) -> String {
        switch self {
        case .text: textLine(for: record, coloured: false)
        case .colouredText: textLine(for: record, coloured: true)
        case .json: jsonLine(for: record)
        }
    }

    /// Messages up to this width line up the facts behind them.
    private static let messageWidth = 32
    /// The width of the longest level.
    private static let levelWidth = 8

    private func textLine(for record: LogRecord, coloured: Bool) -> String {
        let level = record.level.rawValue.padded(to: Self.levelWidth)
        let message = LineText.escaped(record.message)
        let colour = coloured ? Self.colour(of: record.level) : nil
        var line = "\(record.time)  \(Self.paint(level, colour))  "
        line += "\(LineText.escaped(record.label))  "
        guard !record.metadata.isEmpty else { return line + message }
        line += message.padded(to: Self.messageWidth)
        for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
            let name = Self.paint("\(LineText.escaped(key.rawValue))=", coloured ? "2" : nil)
            line += "  \(name)\(LineText.value(value.description))"
        }
        return line
    }

    /// The terminal's colour number for a level; nil leaves it plain.
    private static func colour(of level: LogLevel) -> String? {
        switch level {
        case .trace, .debug: "2"
        case .info: nil
        case .notice: "36"
        case .warning: "33"
        case .error: "31"
        case .critical: "1;31"
        }
    }

    private static func paint(_ text: String, _ colour: String?) -> String {
        guard let colour else { return text }
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }

    private func jsonLine(for record: LogRecord) -> String {
        var line = #"{"time":"\#(record.time)","level":"\#(record.level.rawValue)""#
        line += #","label":\#(LineText.json(record.label))"#
        line += #","message":\#(LineText.json(record.message))"#
        if !record.metadata.isEmpty {
            let facts = record.metadata.sorted { $0.key < $1.key }
                .map { "\(LineText.json($0.key.rawValue)):\(Self.json($0.value))" }
            line += #","metadata":{\#(facts.joined(separator: ","))}"#
        }
        return line + "}"
    }

    private static func json(_ value: LogValue) -> String {
        switch value {
        case .string(let text): LineText.json(text)
        // JSON has no name for the numbers that are none.
        case .number(let number) where !number.isFinite: LineText.json("\(number)")
        case .integer, .number, .boolean: value.description
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
