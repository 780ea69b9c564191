import KraitWire

/// Fills values into a compiled template, within bounds.
struct TemplateRenderer {
    private(set) var text = ""
    private let values: ValueMap
    /// The variables of the loops that are running, the innermost last.
    private var scopes: [Scope] = []
    private var repetitions = 0

    private struct Scope {
        var variable: String
        var elements: [Value]
        var index: Int

        /// What `loop` is within a loop, as in Jinja.
        var loop: Value {
            [
                "index": .int(Int64(index + 1)), "index0": .int(Int64(index)),
                "first": .bool(index == 0), "last": .bool(index == elements.count - 1),
                "length": .int(Int64(elements.count)),
            ]
        }
    }

    static let maximumBytes = Limits.bodyBytes
    static let maximumRepetitions = 1_000_000

    init(values: ValueMap) { self.values = values }

    mutating func render(_ nodes: [TextTemplate.Node]) throws(TemplateError) {
        for node in nodes {
            switch node {
            case .text(let piece): text += piece
            case .value(let reference): try append(reference)
            case .loop(let variable, let over, let body): try loop(variable, over, body)
            case .condition(let reference, let negated, let then, let otherwise):
                let holds = lookUp(reference)?.isTrue ?? false
                try render(holds != negated ? then : otherwise)
            }
        }
    }

    private mutating func append(_ reference: TextTemplate.Reference) throws(TemplateError) {
        let value = try value(of: reference)
        guard let printed = value.printed else {
            let remedy: String
            switch value {
            case .list: remedy = "go over it with {% for %}"
            case .map: remedy = "name one of its fields, as in \(reference.text).field"
            default: remedy = "turn it into text before the template"
            }
            let what = "\(reference.text) is \(value.kindName) and is not printed"
            throw TemplateError(reference.position, "\(what); \(remedy)")
        }
        guard text.utf8.count + printed.utf8.count <= Self.maximumBytes else {
            let limit = "the text would be longer than \(Self.maximumBytes) bytes"
            throw TemplateError(reference.position, limit)
        }
        text += printed
    }

    private mutating func loop(
        _ variable: String,
        _ over: TextTemplate.Reference,
        _ body: [TextTemplate.Node]
    ) throws(TemplateError) {
        let value = try value(of: over)
        guard let elements = value.list else {
            let what = "\(over.text) is \(value.kindName)"
            throw TemplateError(over.position, "\(what); a loop goes over a list")
        }
        scopes.append(Scope(variable: variable, elements: elements, index: 0))
        for index in elements.indices {
            repetitions += 1
            guard repetitions <= Self.maximumRepetitions, text.utf8.count <= Self.maximumBytes
            else {
                let limit = "loops repeat more than \(Self.maximumRepetitions) times"
                throw TemplateError(over.position, "\(limit), or the text is too long")
            }
            scopes[scopes.count - 1].index = index
            try render(body)
        }
        scopes.removeLast()
    }

    private func lookUp(_ reference: TextTemplate.Reference) -> Value? {
        guard let name = reference.names.first else { return nil }
        return reference.names.dropFirst().reduce(root(name)) { $0?[$1] }
    }

    private func root(_ name: String) -> Value? {
        for scope in scopes.reversed() {
            if name == scope.variable { return scope.elements[scope.index] }
            if name == "loop" { return scope.loop }
        }
        return values[name]
    }

    private func value(of reference: TextTemplate.Reference) throws(TemplateError) -> Value {
        if let value = lookUp(reference) { return value }
        var names = scopes.map(\.variable) + values.keys
        var reached: Value?
        for (count, name) in reference.names.enumerated() {
            let part = TextTemplate.Reference(
                names: Array(reference.names.prefix(count + 1)),
                position: reference.position
            )
            guard let value = lookUp(part) else {
                if let reached, reached.map == nil {
                    let inner = reference.names.prefix(count).joined(separator: ".")
                    let what = "\(inner) is \(reached.kindName) and has no fields"
                    throw TemplateError(reference.position, what)
                }
                throw .unknown(reference, name, among: names)
            }
            reached = value
            names = value.map?.keys ?? []
        }
        preconditionFailure("a reference was found in parts and not as a whole")
    }
}

extension Value {
    /// Whether Python would take the value for true.
    fileprivate var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .int(let integer): integer != 0
        case .unsigned: true
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .bytes(let bytes): !bytes.isEmpty
        case .timestamp: true
        case .list(let elements): !elements.isEmpty
        case .map(let map): !map.isEmpty
        }
    }

    /// The value as Python's `str` prints it, or nil for what a template does not print.
    fileprivate var printed: String? {
        switch self {
        case .null: "None"
        case .bool(let flag): flag ? "True" : "False"
        case .int(let integer): String(integer)
        case .unsigned(let integer): String(integer)
        case .double(let number): number.printedByPython
        case .string(let text): text
        case .bytes, .timestamp, .list, .map: nil
        }
    }
}

extension Double {
    /// The shortest text that reads back the same, as Python writes it.
    ///
    /// Both languages find the same digits; Python writes an exponent below 1e-4 and from 1e16 on,
    /// with at least two digits.
    fileprivate var printedByPython: String {
        guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
        if self == 0 { return sign == .minus ? "-0.0" : "0.0" }
        let parts = magnitude.description.split(separator: "e")
        let whole = parts[0].split(separator: ".")
        let fraction = whole.count > 1 && whole[1] != "0" ? whole[1] : ""
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole[0].utf8.count - 1
        var digits = Substring(whole[0] + fraction)
        while digits.first == "0" {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        let minus = self < 0 ? "-" : ""
        if exponent < -4 || exponent >= 16 {
            let rest = digits.dropFirst()
            let power = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
            let mantissa = rest.isEmpty ? "\(digits)" : "\(digits.prefix(1)).\(rest)"
            return "\(minus)\(mantissa)e\(exponent < 0 ? "-" : "+")\(power)"
        }
        if exponent < 0 {
            return "\(minus)0.\(String(repeating: "0", count: -exponent - 1))\(digits)"
        }
        let zeros = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        let rest = digits.dropFirst(exponent + 1)
        return
            "\(minus)\(digits.prefix(exponent + 1))\(zeros).\(rest.isEmpty ? "0" : rest)"
    }
}
