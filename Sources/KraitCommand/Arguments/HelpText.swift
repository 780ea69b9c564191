/// The text of `--help`, made from a command's declaration alone.
struct HelpText {
    static let width = 80
    let path: [String]
    let command: Command

    private var parameters: [Parameter] { command.parameters.filter { !$0.isHidden } }

    /// The whole text, with a line break at its end.
    var text: String {
        let title = path.joined(separator: " ")
        var sections = ["\(title): \(command.summary)\n", "USAGE\n" + usage]
        if !command.discussion.isEmpty {
            sections.append(HelpText.paragraph(command.discussion, indent: 0))
        }
        if !command.subcommands.isEmpty {
            let rows = command.subcommands.map { ($0.name, $0.summary) }
            sections.append(HelpText.list("COMMANDS", rows))
        }
        let positionals = parameters.filter { $0.kind == .positional }
        if !positionals.isEmpty {
            sections.append(HelpText.list("ARGUMENTS", positionals.map { ($0.name, $0.help) }))
        }
        sections.append(HelpText.list("OPTIONS", options))
        if !command.examples.isEmpty { sections.append(examples) }
        sections.append(HelpText.list("EXIT CODES", exitCodes))
        if !command.subcommands.isEmpty {
            sections.append("`\(title) COMMAND --help` says more about each.\n")
        }
        return sections.joined(separator: "\n")
    }

    private var usage: String {
        let title = path.joined(separator: " ")
        guard command.run != nil else { return "  \(title) COMMAND\n" }
        let positionals = parameters.filter { $0.kind == .positional }.map {
            $0.isRepeatable ? "[\($0.name)…]" : $0.name
        }
        let options = parameters.filter { $0.kind != .positional }.map { parameter in
            "[\(HelpText.label(parameter))]\(parameter.isRepeatable ? "…" : "")"
        }
        let start = "  \(title)"
        return HelpText.wrap([start] + positionals + options, indent: title.count + 3)
    }

    private var options: [(String, String)] {
        parameters.filter { $0.kind != .positional }.map { parameter in
            var notes: [String] = []
            if let text = parameter.defaultText { notes.append("default: \(text)") }
            if parameter.isRepeatable { notes.append("may be repeated") }
            let note = notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))"
            return (HelpText.label(parameter), parameter.help + note)
        } + [("--help", "show this")]
    }

    private var examples: String {
        command.examples.reduce(into: "EXAMPLES\n") { text, example in
            text += "  \(example.text)\n" + HelpText.paragraph(example.meaning, indent: 6)
        }
    }

    private var exitCodes: [(String, String)] {
        // Any command can be interrupted, and its reader can go away.
        let codes = Set(command.exitCodes + [.ok, .usage, .interrupted, .outputClosed])
        return ExitCode.allCases.filter(codes.contains).map { ("\($0.rawValue)", $0.meaning) }
    }

    private static func label(_ parameter: Parameter) -> String {
        guard case .option(let placeholder) = parameter.kind else { return parameter.title }
        return "\(parameter.title) \(placeholder)"
    }

    /// A heading and aligned rows; a label too long for the column has its text on the next line.
    private static func list(_ heading: String, _ rows: [(String, String)]) -> String {
        let column = min(24, (rows.map(\.0.count).max() ?? 0)) + 4
        return rows.reduce(into: heading + "\n") { text, row in
            let words = row.1.split(separator: " ").map(String.init)
            if row.0.count + 4 > column {
                text += "  \(row.0)\n" + paragraph(row.1, indent: column)
            } else {
                let label = "  \(row.0)"
                let padding = String(repeating: " ", count: column - label.count - 1)
                text += wrap([label + padding] + words, indent: column)
            }
        }
    }

    /// Paragraphs (lines of `text`) wrapped to the width.
    static func paragraph(_ text: String, indent: Int, width: Int = width) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line.isEmpty { return "\n" }
            let words = line.split(separator: " ").map(String.init)
            let start = String(repeating: " ", count: indent) + (words.first ?? "")
            return wrap([start] + words.dropFirst(), indent: indent, width: width)
        }.joined()
    }

    /// Words joined to lines of at most `width`, each after the first one indented.
    private static func wrap(
        _ words: [String],
        indent: Int,
        width: Int = width
    ) -> String {
        var lines = [words.first ?? ""]
        for word in words.dropFirst() {
            if lines[lines.count - 1].count + 1 + word.count > width {
                lines.append(String(repeating: " ", count: indent) + word)
            } else {
                lines[lines.count - 1] += " " + word
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
