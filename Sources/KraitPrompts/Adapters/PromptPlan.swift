import KraitObservability
import KraitSignatures

/// What an adapter says that depends on the signature alone, made once.
final class PromptPlan: Sendable {
    let schema: Schema
    let kind: AdapterKind
    let inputs: [FieldPlan]
    let outputs: [FieldPlan]
    /// The input that holds the conversation so far.
    let historyIndex: Int?
    let parser: ValueParser
    /// Outputs by the bytes of their names; empty for few, which are searched faster.
    private let outputIndex: [[UInt8]: Int]
    /// The texts, or why only Python can make them.
    private let made: Result<Texts, PromptError>

    /// A field as its adapter writes it.
    struct FieldPlan: Sendable {
        let name: String
        let type: TypeExpression
        /// Whether the annotation is exactly `str`.
        let isText: Bool
        /// What stands before a value and behind it.
        let opening: String
        let closing: String
        /// Whether XMLAdapter writes lists and mappings of it as elements.
        var isNested = false
        /// What it is where a completion leaves it out; nil where it must be there.
        let fallback: PythonValue?
        /// By what XMLAdapter reads the elements of an output that is no text.
        let structure: Result<PythonDict, PromptError>?
    }

    /// What the signature alone decides.
    struct Texts: Sendable {
        /// The system message.
        let system: String
        /// What the last user message ends with.
        let reminder: String
    }

    init(_ schema: Schema, _ kind: AdapterKind) {
        self.schema = schema
        self.kind = kind
        inputs = schema.inputs.map { Self.plan($0, kind, isOutput: false, schema.types) }
        outputs = schema.outputs.map { Self.plan($0, kind, isOutput: true, schema.types) }
        historyIndex = schema.inputs.firstIndex { $0.type == .dspy(.history) }
        parser = ValueParser(types: schema.types)
        let names = outputs.enumerated().map { (Array($0.element.name.utf8), $0.offset) }
        outputIndex =
            outputs.count > 16 ? Dictionary(names, uniquingKeysWith: { first, _ in first }) : [:]
        let writer = SystemText(schema, kind)
        made = Result { () throws(PromptError) in
            Texts(system: try writer.system(), reminder: try writer.reminder())
        }
    }

    /// The texts; throws where only Python can make them.
    var texts: Texts {
        get throws(PromptError) { try made.get() }
    }

    /// The index of the output with a name.
    @inline(__always)
    func output(named name: UnsafeBufferPointer<UInt8>) -> Int? {
        if !outputIndex.isEmpty { return outputIndex[Array(name)] }
        return outputs.firstIndex { field in
            field.name.withUTF8Bytes { other in
                guard other.count == name.count else { return false }
                return other.elementsEqual(name)
            }
        }
    }

    private static func plan(
        _ field: Field,
        _ kind: AdapterKind,
        isOutput: Bool,
        _ types: [TypeDeclaration]
    ) -> FieldPlan {
        let fallback: PythonValue? =
            field.fallback.map(PythonValue.init) ?? (field.type.allowsNone ? PythonValue.none : nil)
        var structure: Result<PythonDict, PromptError>?
        if kind == .xml, isOutput, field.type != .str {
            structure = Result { () throws(PromptError) in
                let schema = try JSONSchema.of(field.type, types: types, isStructural: true)
                guard case .dict(let root) = schema else { throw .delegated(.jsonSchema) }
                return root
            }
        }
        return FieldPlan(
            name: field.name,
            type: field.type,
            isText: field.type == .str,
            opening: kind == .xml ? "<\(field.name)>\n" : "[[ ## \(field.name) ## ]]\n",
            closing: kind == .xml ? "\n</\(field.name)>" : "",
            isNested: kind == .xml && isOutput && XMLSkeleton.isNested(field.type, types: types),
            fallback: fallback,
            structure: structure
        )
    }
}

/// Plans of the signatures used last, by adapter: bounded, and safe under concurrency.
enum PlanCache {
    private static let slots = 256
    private static let plans = Lock<[PromptPlan?]>(Array(repeating: nil, count: slots))

    /// The plan of a signature, made when it is asked for the first time.
    ///
    /// A slot holds one plan; another signature that falls on it takes its place.
    static func plan(_ schema: Schema, _ kind: AdapterKind) -> PromptPlan {
        let slot = slot(of: schema, kind)
        let known = plans.withLock { $0[slot] }
        if let known, known.kind == kind, isSame(known.schema, schema) { return known }
        let plan = PromptPlan(schema, kind)
        plans.withLock { $0[slot] = plan }
        return plan
    }

    /// FNV-1a over the ends of the text: quick, and different for different signatures mostly.
    private static func slot(of schema: Schema, _ kind: AdapterKind) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        schema.text.withUTF8Bytes { bytes in
            for byte in bytes.prefix(24) { add(byte) }
            for byte in bytes.suffix(24) { add(byte) }
            add(UInt8(truncatingIfNeeded: bytes.count))
        }
        add(UInt8(truncatingIfNeeded: schema.instructions.utf8.count))
        add(kind == .chat ? 0 : kind == .json ? 1 : 2)
        return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (slots - 1)
    }

    /// Whether both are the same to the byte; copies of one schema share their storage.
    private static func isSame(_ left: Schema, _ right: Schema) -> Bool {
        if sharesStorage(left.inputs, right.inputs), sharesStorage(left.outputs, right.outputs),
            left.types.isEmpty && right.types.isEmpty || sharesStorage(left.types, right.types)
        {
            return left.instructions.isSame(right.instructions)
        }
        guard left == right else { return false }
        return exactTexts(left).elementsEqual(exactTexts(right)) { $0.isSame($1) }
    }

    /// With closures: a key path to a generic property is made anew at each use, for 5 µs.
    private static func sharesStorage<Element>(_ left: [Element], _ right: [Element]) -> Bool {
        guard left.count == right.count else { return false }
        return left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in left.baseAddress == right.baseAddress }
        }
    }

    /// The texts that Swift's `==` would take for equal where their bytes differ.
    private static func exactTexts(_ schema: Schema) -> [String] {
        var texts = [schema.text, schema.instructions]
        for field in schema.fields {
            texts += [field.name, field.description, field.constraints ?? "", "\(field.type)"]
        }
        for type in schema.types {
            texts += [type.name, type.documentation ?? "", type.facts?.description ?? ""]
            switch type.kind {
            case .known: break
            case .enumeration(let cases): texts += cases.map(\.name)
            case .model(let fields):
                for field in fields { texts += [field.name, field.type, field.description ?? ""] }
            }
        }
        return texts
    }
}
