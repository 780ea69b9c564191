import CYAML
import KraitControl

/// Reads YAML through libyaml into nodes with places.
///
/// Pure: bytes in, nodes or problems out.
enum YAMLDocument {
    /// How large a configuration file may be.
    static let maximumBytes = 1 << 20
    /// How many nodes it may have once its aliases are resolved: a few lines of aliases of aliases
    /// could stand for billions.
    static let maximumNodes = 100_000
    static let maximumNesting = 64

    /// The document's root; nil for a file without content.
    static func read(_ bytes: [UInt8]) throws(ConfigurationProblems) -> YAMLNode? {
        guard bytes.count <= maximumBytes else {
            throw ConfigurationProblems(
                .init("the file has more than \(maximumBytes) bytes", at: nil)
            )
        }
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else {
            throw ConfigurationProblems(.init("libyaml could not start", at: nil))
        }
        defer { yaml_parser_delete(&parser) }
        let result = bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            return Result { () throws(ConfigurationProblems) in try readDocument(&parser) }
        }
        return try result.get()
    }

    private static func readDocument(
        _ parser: inout yaml_parser_t
    ) throws(ConfigurationProblems) -> YAMLNode? {
        var document = yaml_document_t()
        guard yaml_parser_load(&parser, &document) == 1 else { throw problem(of: parser) }
        defer { yaml_document_delete(&document) }
        guard yaml_document_get_root_node(&document) != nil else { return nil }
        var next = yaml_document_t()
        guard yaml_parser_load(&parser, &next) == 1 else { throw problem(of: parser) }
        defer { yaml_document_delete(&next) }
        if let second = yaml_document_get_root_node(&next) {
            throw ConfigurationProblems(
                .init(
                    "a second document begins here; a configuration is one",
                    at: SourcePosition(second.pointee.start_mark)
                )
            )
        }
        var reader = NodeReader(document: document)
        let root = reader.node(1, nesting: 0)
        if !reader.problems.isEmpty { throw ConfigurationProblems(reader.problems) }
        return root
    }

    private static func problem(of parser: yaml_parser_t) -> ConfigurationProblems {
        var reason = parser.problem.map { String(cString: $0) } ?? "not valid YAML"
        if let context = parser.context { reason = "\(String(cString: context)), \(reason)" }
        // The reader's own errors (bytes that are no UTF-8) have an offset and no mark.
        let hasMark = parser.error != YAML_READER_ERROR
        return ConfigurationProblems(
            .init(reason, at: hasMark ? SourcePosition(parser.problem_mark) : nil)
        )
    }
}

extension SourcePosition {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}

/// Turns libyaml's nodes, which refer to each other by number, into a tree.
private struct NodeReader {
    var document: yaml_document_t
    var problems: [ConfigurationProblem] = []
    private var count = 0
    private var isExhausted = false

    init(document: yaml_document_t) { self.document = document }

    mutating func node(_ number: Int32, nesting: Int) -> YAMLNode? {
        guard !isExhausted, let found = yaml_document_get_node(&document, number) else {
            return nil
        }
        let node = found.pointee
        let position = SourcePosition(node.start_mark)
        count += 1
        // Beyond the limits nothing more is read, so a loop of aliases ends here too.
        guard nesting <= YAMLDocument.maximumNesting, count <= YAMLDocument.maximumNodes else {
            if !isExhausted { problems.append(.init(Self.tooLarge, at: position)) }
            isExhausted = true
            return nil
        }
        switch node.type {
        case YAML_SCALAR_NODE:
            return YAMLNode(position: position, content: scalar(node))
        case YAML_SEQUENCE_NODE:
            return YAMLNode(position: position, content: .list(elements(node, nesting: nesting)))
        case YAML_MAPPING_NODE:
            return YAMLNode(position: position, content: .map(entries(node, nesting: nesting)))
        default:
            return nil
        }
    }

    private static let tooLarge =
        "lists and maps are nested too deep or too many, aliases resolved "
        + "(limits: \(YAMLDocument.maximumNesting) deep, \(YAMLDocument.maximumNodes) nodes)"

    private func scalar(_ node: yaml_node_t) -> YAMLNode.Content {
        let scalar = node.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return .scalar(
            String(decoding: bytes, as: UTF8.self),
            isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE
        )
    }

    private mutating func elements(_ node: yaml_node_t, nesting: Int) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        var item = node.data.sequence.items.start
        while let current = item, let end = node.data.sequence.items.top, current < end {
            if let element = self.node(current.pointee, nesting: nesting + 1) {
                elements.append(element)
            }
            item = current + 1
        }
        return elements
    }

    private mutating func entries(_ node: yaml_node_t, nesting: Int) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        var pair = node.data.mapping.pairs.start
        while let current = pair, let end = node.data.mapping.pairs.top, current < end {
            defer { pair = current + 1 }
            guard let key = self.node(current.pointee.key, nesting: nesting + 1),
                let value = self.node(current.pointee.value, nesting: nesting + 1)
            else { continue }
            guard case .scalar(let name, let isPlain) = key.content else {
                problems.append(.init("a key must be text, not \(key.kindName)", at: key.position))
                continue
            }
            if isPlain, name == "<<" {
                merged += mergeable(value)
            } else if let first = entries.first(where: { $0.key == name }) {
                problems.append(
                    .init(
                        "the key \(quoted(name)) is there twice, first in line "
                            + "\(first.position.line)",
                        at: key.position
                    )
                )
            } else {
                entries.append(.init(key: name, position: key.position, value: value))
            }
        }
        // What the map says itself goes before what it merges, and an earlier merge before a later.
        for entry in merged where !entries.contains(where: { $0.key == entry.key }) {
            entries.append(entry)
        }
        return entries
    }

    private mutating func mergeable(_ node: YAMLNode) -> [YAMLNode.Entry] {
        switch node.content {
        case .map(let entries): return entries
        case .list(let nodes): return nodes.flatMap { mergeable($0) }
        case .scalar:
            problems.append(
                .init(
                    "`<<` merges a map or a list of maps, not \(node.kindName)",
                    at: node.position
                )
            )
            return []
        }
    }
}
