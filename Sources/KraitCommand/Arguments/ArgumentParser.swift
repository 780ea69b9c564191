import Krait
import KraitControl

/// What a command line asks for.
enum Request: Sendable {
    case run(ParsedArguments)
    case help(path: [String], Command)
    case version
}

/// Reads a command line against the declared commands.
///
/// Pure: no I/O, nothing global.
struct ArgumentParser {
    let root: Command

    /// Reads the arguments after the program's name.
    ///
    /// Options may stand before and after positional arguments; after `--` everything is
    /// positional. A lone `-` is positional (standard input).
    func parse(_ arguments: [String]) throws(UsageError) -> Request {
        var rest = arguments[...]
        var command = root
        var path = [root.name]
        if let first = rest.first, ["--version", "-V"].contains(first) { return .version }
        if rest.first == "help" {
            rest = rest.dropFirst()
            (command, path) = try resolve(&rest)
            return .help(path: path, command)
        }
        (command, path) = try resolve(&rest)
        if rest.prefix(while: { $0 != "--" }).contains(where: Self.isHelp) {
            return .help(path: path, command)
        }
        guard command.run != nil else {
            throw unknown(rest.first, in: command, path: path)
        }
        return .run(try parse(rest, of: command, path: path))
    }

    private static func isHelp(_ text: String) -> Bool { text == "--help" || text == "-h" }

    /// Follows the command's names as far as they go.
    private func resolve(
        _ rest: inout ArraySlice<String>
    ) throws(UsageError) -> (Command, [String]) {
        var command = root
        var path = [root.name]
        while let name = rest.first, !name.hasPrefix("-"), !command.subcommands.isEmpty {
            guard let next = command[name] else {
                // A command that runs by itself as well: the word is its argument.
                if command.run != nil { break }
                throw unknown(name, in: command, path: path)
            }
            command = next
            path.append(name)
            rest = rest.dropFirst()
        }
        return (command, path)
    }

    private func unknown(_ name: String?, in command: Command, path: [String]) -> UsageError {
        let names = command.subcommands.map(\.name)
        guard let name else {
            return UsageError(
                "a command is missing: one of \(names.joined(separator: ", "))",
                path: path
            )
        }
        if name.hasPrefix("-") { return unknownOption(name, of: command, path: path) }
        let hint = NearestName.find(name, among: names).map { "; did you mean `\($0)`?" } ?? ""
        return UsageError("there is no command \(quoted(name))\(hint)", path: path)
    }

    private func unknownOption(_ text: String, of command: Command, path: [String]) -> UsageError {
        let name = String(text.prefix { $0 != "=" })
        let shown = command.parameters.filter { $0.kind != .positional && !$0.isHidden }
        let names = shown.map(\.title) + ["--help"]
        let hint = NearestName.find(name, among: names).map { "; did you mean `\($0)`?" } ?? ""
        return UsageError("there is no option \(quoted(name))\(hint)", path: path)
    }

    private func parse(
        _ arguments: ArraySlice<String>,
        of command: Command,
        path: [String]
    ) throws(UsageError) -> ParsedArguments {
        var parsed = ParsedArguments(path: path, command: command)
        var positionals = command.parameters.filter { $0.kind == .positional }[...]
        var rest = arguments
        var onlyPositionals = false
        while let text = rest.popFirst() {
            if !onlyPositionals, text == "--" {
                onlyPositionals = true
            } else if !onlyPositionals, text.hasPrefix("-"), text != "-" {
                try parseOption(text, &rest, of: command, into: &parsed)
            } else {
                guard let parameter = positionals.first else {
                    throw UsageError("\(quoted(text)) is one argument too many", path: path)
                }
                try parsed.take(text, for: parameter)
                if !parameter.isRepeatable { positionals = positionals.dropFirst() }
            }
        }
        let missing = positionals.first {
            $0.isRequired && !parsed.given.contains($0.name)
        }
        if let missing {
            throw UsageError("\(missing.title) is missing: \(missing.help)", path: path)
        }
        return parsed
    }

    /// Reads one option: `--name`, `--name VALUE` or `--name=VALUE`.
    private func parseOption(
        _ text: String,
        _ rest: inout ArraySlice<String>,
        of command: Command,
        into parsed: inout ParsedArguments
    ) throws(UsageError) {
        let name = String(text.prefix { $0 != "=" })
        let attached = text.dropFirst(name.count).first.map { _ in
            String(text.dropFirst(name.count + 1))
        }
        let options = command.parameters.filter { $0.kind != .positional }
        guard let parameter = options.first(where: { $0.title == name }) else {
            throw unknownOption(text, of: command, path: parsed.path)
        }
        switch parameter.kind {
        case .flag:
            if attached != nil { throw UsageError("\(name) takes no value", path: parsed.path) }
            try parsed.take("", for: parameter)
        case .option(let placeholder):
            guard let value = attached ?? rest.popFirst() else {
                throw UsageError("\(name) needs a value: \(name) \(placeholder)", path: parsed.path)
            }
            try parsed.take(value, for: parameter)
        case .positional:
            break
        }
    }
}
