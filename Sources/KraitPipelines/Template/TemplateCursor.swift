/// Cuts a template into plain text and tags, keeps the place, and takes the white space beside `-`
/// away.
struct TemplateCursor {
    struct Tag {
        enum Kind { case value, statement, comment }
        var kind: Kind
        /// What stands between the brackets, without white space around it.
        var content: String
        var position: TextTemplate.Position
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var position = TextTemplate.Position(line: 1, column: 1)
    /// Whether the tag before ended with `-`.
    private var trimsNext = false

    static let maximumBytes = 1 << 20

    init(_ text: String) throws(TemplateError) {
        guard text.utf8.count <= Self.maximumBytes else {
            let reason = "the template is longer than \(Self.maximumBytes) bytes"
            throw TemplateError(position, reason)
        }
        // Line breaks as Jinja has them: each kind is one, and one at the very end is dropped.
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar != "\n" || previous != "\r" { scalars.append(scalar == "\r" ? "\n" : scalar) }
            previous = scalar
        }
        if scalars.last == "\n" { scalars.removeLast() }
        self.scalars = scalars
    }

    /// The text up to the next tag or the end.
    mutating func textBeforeTag() -> String {
        var text = String.UnicodeScalarView()
        while index < scalars.count, kind(at: index) == nil {
            text.append(scalars[index])
            advance()
        }
        if trimsNext { text = .init(text.drop(while: \.properties.isWhitespace)) }
        if kind(at: index) != nil, index + 2 < scalars.count, scalars[index + 2] == "-" {
            while text.last?.properties.isWhitespace == true { text.removeLast() }
        }
        trimsNext = false
        return String(text)
    }

    /// The tag that begins here, or nil at the end.
    mutating func tag() throws(TemplateError) -> Tag? {
        guard let kind = kind(at: index) else { return nil }
        let start = position
        let end: (Unicode.Scalar, Unicode.Scalar) =
            switch kind {
            case .value: ("}", "}")
            case .statement: ("%", "}")
            case .comment: ("#", "}")
            }
        advance(2)
        if index < scalars.count, scalars[index] == "-" { advance() }
        var content = String.UnicodeScalarView()
        while index + 1 < scalars.count, (scalars[index], scalars[index + 1]) != end {
            content.append(scalars[index])
            advance()
        }
        guard index + 1 < scalars.count else {
            throw TemplateError(start, "this tag has no end; \(end.0)\(end.1) is missing")
        }
        advance(2)
        if content.last == "-" {
            trimsNext = true
            content.removeLast()
        }
        let words = String(content).split(whereSeparator: \.isWhitespace)
        return Tag(kind: kind, content: words.joined(separator: " "), position: start)
    }

    private func kind(at index: Int) -> Tag.Kind? {
        guard index + 1 < scalars.count, scalars[index] == "{" else { return nil }
        switch scalars[index + 1] {
        case "{": return .value
        case "%": return .statement
        case "#": return .comment
        default: return nil
        }
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < scalars.count {
            if scalars[index] == "\n" {
                position = TextTemplate.Position(line: position.line + 1, column: 1)
            } else {
                position.column += 1
            }
            index += 1
        }
    }
}
