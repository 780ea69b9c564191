/// Compiles a template's text: one walk over its scalars, with a stack of the blocks that are open.
struct TemplateParser {
    private typealias Node = TextTemplate.Node
    private typealias Position = TextTemplate.Position
    private typealias Reference = TextTemplate.Reference

    private var cursor: TemplateCursor
    private var blocks: [Block] = [Block(kind: .root, position: Position(line: 1, column: 1))]

    /// How deep blocks may be nested.
    static let maximumDepth = 32

    /// A block that has begun and not ended.
    private struct Block {
        enum Kind {
            case root
            case loop(variable: String, over: Reference)
            case condition(Reference, negated: Bool)
        }
        var kind: Kind
        var position: Position
        var nodes: [Node] = []
        /// What stood before `else`, once there was one.
        var then: [Node]?
    }

    init(_ text: String) throws(TemplateError) {
        cursor = try TemplateCursor(text)
    }

    mutating func parse() throws(TemplateError) -> [TextTemplate.Node] {
        while true {
            let text = cursor.textBeforeTag()
            if !text.isEmpty { add(.text(text)) }
            guard let tag = try cursor.tag() else { break }
            switch tag.kind {
            case .value: add(.value(try reference(tag.content, tag.position, in: "{{ }}")))
            case .statement: try statement(tag)
            case .comment: break
            }
        }
        let block = blocks[blocks.count - 1]
        switch block.kind {
        case .root: return block.nodes
        case .loop: throw TemplateError(block.position, "this for has no {% endfor %}")
        case .condition: throw TemplateError(block.position, "this if has no {% endif %}")
        }
    }

    private mutating func add(_ node: Node) { blocks[blocks.count - 1].nodes.append(node) }

    private mutating func statement(_ tag: TemplateCursor.Tag) throws(TemplateError) {
        let words = tag.content.split(whereSeparator: \.isWhitespace).map(String.init)
        let rest = words.dropFirst()
        switch words.first ?? "" {
        case "for":
            guard rest.count == 3, words[2] == "in", Self.isName(words[1]) else {
                throw TemplateError(tag.position, "a loop is written {% for name in list %}")
            }
            let over = try reference(words[3], tag.position, in: "{% for %}")
            try open(.loop(variable: words[1], over: over), tag.position)
        case "if":
            let negated = rest.first == "not"
            guard rest.count == (negated ? 2 : 1), let name = rest.last else {
                let forms = "{% if name %} or {% if not name %}"
                throw TemplateError(tag.position, "a condition is written \(forms)")
            }
            let reference = try reference(name, tag.position, in: "{% if %}")
            try open(.condition(reference, negated: negated), tag.position)
        case "else" where rest.isEmpty: try otherwise(tag.position)
        case "endfor" where rest.isEmpty: try close(tag.position, "endfor")
        case "endif" where rest.isEmpty: try close(tag.position, "endif")
        case let word:
            let known = "for, endfor, if, else and endif, the last three alone"
            let found = word.isEmpty ? "an empty tag" : "\(word.prefix(40))"
            throw TemplateError(tag.position, "\(found) is not understood; there are: \(known)")
        }
    }

    private mutating func open(_ kind: Block.Kind, _ position: Position) throws(TemplateError) {
        guard blocks.count <= Self.maximumDepth else {
            throw TemplateError(position, "blocks are nested deeper than \(Self.maximumDepth)")
        }
        blocks.append(Block(kind: kind, position: position))
    }

    private mutating func otherwise(_ position: Position) throws(TemplateError) {
        let last = blocks.count - 1
        guard case .condition = blocks[last].kind, blocks[last].then == nil else {
            throw TemplateError(position, "this else belongs to no if; a for has none here")
        }
        blocks[last].then = blocks[last].nodes
        blocks[last].nodes = []
    }

    private mutating func close(_ position: Position, _ word: String) throws(TemplateError) {
        let block = blocks[blocks.count - 1]
        switch (block.kind, word) {
        case (.loop(let variable, let over), "endfor"):
            blocks.removeLast()
            add(.loop(variable: variable, over: over, body: block.nodes))
        case (.condition(let reference, let negated), "endif"):
            blocks.removeLast()
            let then = block.then ?? block.nodes
            let otherwise = block.then == nil ? [] : block.nodes
            add(.condition(reference, negated: negated, then: then, otherwise: otherwise))
        case (.root, _):
            throw TemplateError(position, "this \(word) ends nothing")
        case (.loop, _), (.condition, _):
            let begun = "the block of line \(block.position.line), column \(block.position.column)"
            throw TemplateError(position, "this \(word) does not end \(begun)")
        }
    }

    private func reference(
        _ text: String,
        _ position: Position,
        in place: String
    ) throws(TemplateError) -> Reference {
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard !text.isEmpty, names.allSatisfy(Self.isName) else {
            let found = text.isEmpty ? "nothing" : "something else"
            let wanted = "a name such as answer or passage.text"
            throw TemplateError(position, "\(wanted) is wanted in \(place), and \(found) is there")
        }
        if let word = names.first, Self.words.contains(word) {
            throw TemplateError(position, "\(word) is a word of the language and names no field")
        }
        return Reference(names: names, position: position)
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0)
                || $0 == UInt8(ascii: "_")
        }
    }

    /// Names that mean something else in Jinja.
    private static let words: Set<String> = [
        "true", "false", "none", "True", "False", "None", "and", "or", "not", "if", "else", "elif",
        "in", "is", "for", "import", "from",
    ]
}
