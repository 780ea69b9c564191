import KraitWire

/// What is wrong with a template, and where.
public struct TemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line in the template, from 1.
    public var line: Int
    /// The column in the line, from 1, in Unicode scalars.
    public var column: Int
    /// What is wrong and what to do about it, without values.
    public var reason: String

    /// The place and the reason.
    public var description: String { "line \(line), column \(column): \(reason)" }

    init(_ position: TextTemplate.Position, _ reason: String) {
        line = position.line
        column = position.column
        self.reason = reason
    }
}
