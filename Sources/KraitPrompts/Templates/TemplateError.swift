/// What is wrong with a template or its values, and where.
///
/// It never holds a value: names, kinds and places only.
public struct TemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What sort of mistake it is, for programs.
    public enum Kind: Sendable, Hashable {
        /// The text is not a template.
        case syntax
        /// Something of Jinja or Python that Krait's engine does not have.
        case unsupported
        /// A name that is not there was used in a way that needs a value.
        case undefined
        /// A value of a kind that the operation does not take.
        case value
        /// A bound was reached: length, nesting, output, repetitions.
        case limit
        /// A template that was named is not there.
        case missingTemplate
        /// The template itself refused, through `raise_exception`.
        case raised
    }

    /// What sort of mistake it is.
    public var kind: Kind
    /// The template's name, where it has one.
    public var template: String?
    /// The line in the template, from 1.
    public var line: Int
    /// The column in the line, from 1, in Unicode scalars.
    public var column: Int
    /// What is wrong and what to do about it, without values.
    public var reason: String

    /// The name that the values do not have, where it is that.
    var missingName: String?

    /// The place and the reason.
    public var description: String {
        let place = line > 0 ? "line \(line), column \(column): \(reason)" : reason
        return template.map { "\($0), \(place)" } ?? place
    }

    init(_ kind: Kind, _ reason: String, at position: TemplatePosition? = nil) {
        self.kind = kind
        self.reason = reason
        line = position.map { Int($0.line) } ?? 0
        column = position.map { Int($0.column) } ?? 0
    }

    /// The same mistake with its place, unless it has one.
    func placed(at position: TemplatePosition, in template: String?) -> TemplateError {
        guard line == 0 else { return self }
        var error = self
        error.line = Int(position.line)
        error.column = Int(position.column)
        error.template = template
        return error
    }
}

/// A place in a template's text, in lines and scalars from 1.
struct TemplatePosition: Sendable, Hashable {
    var line: UInt32 = 1
    var column: UInt32 = 1
}
