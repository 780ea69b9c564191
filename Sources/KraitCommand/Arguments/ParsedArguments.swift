/// What a command line said, each value checked and of its declared type.
struct ParsedArguments: Sendable {
    /// The names from `krait` down to the command.
    let path: [String]
    let command: Command
    private var values: [String: any Sendable] = [:]
    private(set) var given: Set<String> = []

    init(path: [String], command: Command) {
        self.path = path
        self.command = command
    }

    /// The value of an argument of this command: what was given, or its default.
    subscript<Value>(argument: Argument<Value>) -> Value {
        let parameter = argument.parameter
        if let value = values[parameter.name] as? Value { return value }
        guard let initial = parameter.initial as? Value else {
            preconditionFailure("the default of \(parameter.title) is not of its type")
        }
        return initial
    }

    /// Whether the command line had the argument, as opposed to its default.
    func wasGiven(_ argument: Argument<some Sendable>) -> Bool {
        given.contains(argument.parameter.name)
    }

    mutating func take(_ text: String, for parameter: Parameter) throws(UsageError) {
        if given.contains(parameter.name), !parameter.isRepeatable {
            throw UsageError("\(parameter.title) is given twice", path: path)
        }
        do throws(TextProblem) {
            let soFar = values[parameter.name] ?? parameter.initial
            values[parameter.name] = try parameter.read(soFar, text)
        } catch {
            throw UsageError("\(parameter.title) \(error.reason)", path: path)
        }
        given.insert(parameter.name)
    }
}

/// Why a command line cannot be followed.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let reason: String
    /// The command it was meant for, for the line that leads to its help.
    let path: [String]

    init(_ reason: String, path: [String]) {
        self.reason = reason
        self.path = path
    }

    var description: String {
        let command = path.joined(separator: " ")
        return "\(command): \(reason)\nSee `\(command) --help`."
    }
}
