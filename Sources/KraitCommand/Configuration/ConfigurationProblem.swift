/// One thing that is wrong with a configuration, and where.
struct ConfigurationProblem: Sendable, Equatable {
    /// What is wrong and what to do, as a sentence without its full stop.
    let reason: String
    /// Nil where it has no place in the file.
    let position: SourcePosition?

    init(_ reason: String, at position: SourcePosition?) {
        self.reason = reason
        self.position = position
    }
}

/// Why a configuration is not valid: all that was found, in the file's order, at most `limit`.
struct ConfigurationProblems: Error, Equatable, CustomStringConvertible {
    /// How many problems are reported at once.
    static let limit = 20

    private(set) var problems: [ConfigurationProblem]
    /// How many there are beyond `limit`.
    private(set) var further: Int
    /// The file, or nil for settings of the command line.
    var file: String?

    init(_ problems: [ConfigurationProblem], file: String? = nil) {
        let none = SourcePosition(line: 0, column: 0)
        let sorted = problems.sorted { $0.position ?? none < $1.position ?? none }
        self.problems = Array(sorted.prefix(Self.limit))
        further = sorted.count - self.problems.count
        self.file = file
    }

    init(_ problem: ConfigurationProblem) { self.init([problem]) }

    /// A line for each problem, in the manner of a compiler: `krait.yaml:7:5: …`.
    var description: String {
        var lines = problems.map { problem in
            let place = [
                file, problem.position.map { "\($0.line)" },
                problem.position.map { "\($0.column)" },
            ].compactMap(\.self).joined(separator: ":")
            return place.isEmpty ? problem.reason : "\(place): \(problem.reason)"
        }
        if further > 0 { lines.append("and \(further) more") }
        return lines.joined(separator: "\n")
    }
}
