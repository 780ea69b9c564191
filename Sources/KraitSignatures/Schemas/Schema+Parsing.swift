extension Schema {
    /// Reads a signature from text, such as `question, context: list[str] -> answer: str`.
    ///
    /// Takes what DSPy 3.4 takes and refuses what it refuses, with the place, the reason and a
    /// remedy. What only Python can resolve becomes a delegated type, or, if not even the fields
    /// can be known, an error whose `rule` says so. No code is run and nothing is imported.
    ///
    /// Empty `instructions` are none. `types` are the declarations of names that the text uses
    /// beside DSPy's. Cost: linear in the text, a few microseconds for a usual one.
    public init(
        parsing text: String,
        instructions: String? = nil,
        types: [TypeDeclaration] = []
    ) throws(SchemaError) {
        let bytes = Array(text.utf8)
        do {
            var parsing = SignatureParsing(bytes, types: types)
            let (inputs, outputs) = try parsing.fields()
            self.inputs = inputs
            self.outputs = outputs
        } catch {
            throw SchemaError(error, in: bytes)
        }
        self.text = text
        self.types = types
        let given = instructions.flatMap { $0.isEmpty ? nil : $0 }
        givenInstructions = given
        self.instructions =
            given.map(Docstring.clean) ?? Docstring.standard(inputs: inputs, outputs: outputs)
    }
}

/// Reads the two sides of a signature, in the order in which DSPy meets mistakes.
private struct SignatureParsing {
    private let bytes: [UInt8]
    private var resolver: TypeResolver

    /// A field as far as it is known.
    private struct Draft {
        var name: String
        var range: Range<Int>
        /// Of the annotation; nil where there is none.
        var annotation: Range<Int>?
        var object: PythonObject
    }

    init(_ bytes: [UInt8], types: [TypeDeclaration]) {
        self.bytes = bytes
        resolver = TypeResolver(bytes, declared: Set(types.map(\.name)))
    }

    mutating func fields() throws(ParseFailure) -> (inputs: [Field], outputs: [Field]) {
        let arrow = try arrow()
        do throws(ParseFailure) {
            let inputs = try drafts(0..<arrow)
            let outputs = try drafts(arrow + 2..<bytes.count)
            if let range = resolver.ambiguousNoneType {
                throw ParseFailure.delegated(.callerFrame, at: range)
            }
            try checkDistinct(inputs, outputs)
            return try fields(inputs, outputs)
        } catch {
            // Something that was left to Python stands before the mistake, and Python may already
            // refuse that: the class of its exception is not known.
            let rule =
                resolver.firstDelegation
                ?? (error.exception == .valueError ? nil : resolver.firstAttribute)
            guard error.rule == nil, let rule else { throw error }
            var uncertain = error
            uncertain.rule = rule
            uncertain.exception = nil
            throw uncertain
        }
    }

    private mutating func fields(_ inputs: [Draft], _ outputs: [Draft]) throws(ParseFailure)
        -> (inputs: [Field], outputs: [Field])
    {
        let all = inputs + outputs
        for draft in all { try lowering(draft).checkIsType(draft.object) }
        let names = all.map { ($0.name, $0.range) }
        try FieldNames.checkBeforeTypes(names)
        var lowered: [TypeExpression] = []
        lowered.reserveCapacity(all.count)
        for draft in all {
            do throws(ParseFailure) {
                lowered.append(try lowering(draft).lower(field: draft.object))
            } catch {
                // A forward reference in any field makes pydantic put off all of them.
                for other in all { other.object.uncertainty.map { resolver.note($0) } }
                throw error
            }
            lowered.last?.delegationRules.first.map { resolver.note($0) }
        }
        try FieldNames.checkAfterTypes(names)
        return (
            inputs.indices.map { index in
                let draft = inputs[index]
                return Field(
                    draft.name,
                    type: lowered[index],
                    typeMark: draft.annotation == nil
                )
            },
            outputs.indices.map { Field(outputs[$0].name, type: lowered[inputs.count + $0]) }
        )
    }

    /// The one arrow; DSPy counts it wherever it stands, also in quotes.
    private func arrow() throws(ParseFailure) -> Int {
        var found: Int?
        var index = 0
        while index + 1 < bytes.count {
            guard bytes[index] == UInt8(ascii: "-"), bytes[index + 1] == UInt8(ascii: ">") else {
                index += 1
                continue
            }
            if found != nil { throw arrowFailure("more than one", at: index..<index + 2) }
            found = index
            index += 2
        }
        guard let found else { throw arrowFailure("no", at: bytes.count..<bytes.count) }
        return found
    }

    private func arrowFailure(_ count: String, at range: Range<Int>) -> ParseFailure {
        ParseFailure(
            .arrow,
            "there is \(count) `->` in the signature",
            remedy: "write the inputs, one `->`, the outputs: `question -> answer`",
            exception: .valueError,
            at: range
        )
    }

    /// The fields of one side: each name once, in its first place with its last type.
    private mutating func drafts(_ side: Range<Int>) throws(ParseFailure) -> [Draft] {
        if let nul = bytes[side].firstIndex(of: 0) {
            throw .syntax("a signature cannot hold a NUL character", at: nul..<nul + 1)
        }
        var parser = try ExpressionParser(bytes, side)
        let parameters = try parser.parameters(until: .end, areAnnotated: true)
        if parser.token.kind != .end { throw trailing(parser) }
        var drafts: [Draft] = []
        drafts.reserveCapacity(parameters.count)
        // A short list is searched faster than a table is made.
        var places: [String: Int]? = parameters.count > 16 ? [:] : nil
        for parameter in parameters {
            let draft = Draft(
                name: parameter.name,
                range: parameter.range,
                annotation: parameter.annotation?.range,
                object: try parameter.annotation.map { node throws(ParseFailure) in
                    try resolver.resolve(node)
                } ?? .builtin(.str)
            )
            let place =
                places == nil
                ? drafts.firstIndex { $0.name == draft.name } : places?[draft.name]
            if let place {
                drafts[place] = draft
            } else {
                places?[draft.name] = drafts.count
                drafts.append(draft)
            }
        }
        return drafts
    }

    /// What stands where the field list should end.
    private func trailing(_ parser: ExpressionParser) -> ParseFailure {
        let token = parser.token
        let range = token.start..<token.end
        switch token.kind {
        case .rightParenthesis:
            var rest = parser.lexer
            // DSPy would read on: Python code may follow the list that it parses.
            if let next = try? rest.next(), next.kind == .colon {
                return .delegated(.beyondFields, at: range)
            }
            return .syntax("`)` without `(`", remedy: "remove it", at: range)
        case .rightBracket: return .syntax("`]` without `[`", remedy: "remove it", at: range)
        case .colon: return .syntax("a second `:`", remedy: "a field has one type", at: range)
        case .name, .string, .number:
            return .syntax("expected `,` or the end of the list", remedy: "add a comma", at: range)
        default: return .syntax("unexpected text", remedy: "fields are `name: type`", at: range)
        }
    }

    private func checkDistinct(_ inputs: [Draft], _ outputs: [Draft]) throws(ParseFailure) {
        // A short list is searched faster than a set is made.
        let names = inputs.count > 16 ? Set(inputs.map(\.name)) : nil
        for draft in outputs
        where names?.contains(draft.name) ?? inputs.contains(where: { $0.name == draft.name }) {
            throw ParseFailure(
                .duplicateField,
                "`\(draft.name)` is both an input and an output",
                remedy: "rename one of them",
                exception: .valueError,
                at: draft.range
            )
        }
    }

    private func lowering(_ draft: Draft) -> TypeLowering {
        TypeLowering(range: draft.annotation ?? draft.range, bytes: bytes)
    }
}
