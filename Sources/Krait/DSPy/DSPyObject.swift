import KraitSignatures
import KraitWire

/// An object of DSPy's as plain data: a module, a retriever, an adapter, an evaluator.
///
/// ```swift
/// let program = DSPyObject.bestOf(
///     3, of: .chainOfThought("question -> answer"), threshold: 1,
///     reward: .function("brevity") { _, answer in
///         answer["answer"]?.string.map { $0.count < 40 ? 1 : 0 } ?? 0
///     }
/// )
/// let answer = try await krait.use(program, ["question": "Why is the sky blue?"])
/// ```
///
/// A worker makes it, for one call by `Orchestrator.use`, or for a session's. Nothing of it runs
/// here but the functions it was given; `Predict`, `ChainOfThought` and others run natively as
/// well, as *DSPy's names* says of each. Name and arguments are held against what the catalogue
/// (`DSPyName`) says of them before anything is sent.
public struct DSPyObject: Sendable {
    /// The operation of the `dspy` adapter that makes and calls objects.
    public static let operation = "dspy"

    /// The name: DSPy's, or the one that the pool's configuration gives to a class of its own.
    public let name: String
    /// Its constructor's arguments.
    public let arguments: [String: DSPyArgument]
    /// Whether the name is the pool's.
    private let isOfPool: Bool

    /// An object by DSPy's name, such as `RLM` or `evaluate.SemanticF1`.
    ///
    /// - Parameter signature: short for the argument of that name.
    public init(
        _ name: String,
        signature: DSPySignature? = nil,
        _ arguments: [String: DSPyArgument] = [:]
    ) {
        self.init(name, signature, arguments, isOfPool: false)
    }

    private init(
        _ name: String,
        _ signature: DSPySignature?,
        _ arguments: [String: DSPyArgument],
        isOfPool: Bool
    ) {
        self.name = name
        self.isOfPool = isOfPool
        var arguments = arguments
        if let signature { arguments["signature"] = .signature(signature) }
        self.arguments = arguments
    }

    /// A program of one's own, by the name that the pool's configuration gives to its class.
    ///
    /// Its arguments are held against Python's signature by the worker.
    public static func program(
        _ name: String,
        _ arguments: [String: DSPyArgument] = [:]
    ) -> DSPyObject {
        DSPyObject(name, nil, arguments, isOfPool: true)
    }

    /// The functions of this program that it may call: a call of it carries them.
    public var tools: [Tool] { arguments.sorted { $0.key < $1.key }.flatMap(\.value.tools) }

    /// The spec a worker makes it from, for operations of one's own and for sessions.
    ///
    /// - Throws: `invalid_input` with the place and the nearest name, where the catalogue does not
    ///   know the name or the arguments do not fit it.
    public func spec() throws(CallError) -> Value {
        try check(at: "spec")
        return try wire()
    }

    func wire() throws(CallError) -> Value {
        if name == Self.embedder, case .embedder(let embedder)? = arguments["embedder"] {
            return try embedder.wire()
        }
        var arguments = arguments
        var spec: ValueMap = ["module": .string(name)]
        if case .signature(let signature)? = arguments.removeValue(forKey: "signature") {
            spec["signature"] = signature.value
        }
        if !arguments.isEmpty { spec["arguments"] = .map(try DSPyArgument.wire(arguments)) }
        return .map(spec)
    }

    private static let embedder = "Embedder"

    /// An embedder by itself: called with `inputs`, it gives vectors.
    public static func embedder(_ embedder: DSPyEmbedder) -> DSPyObject {
        DSPyObject(Self.embedder, nil, ["embedder": .embedder(embedder)], isOfPool: true)
    }

    /// Throws where the catalogue says otherwise, of the object and of those within it.
    func check(at place: String) throws(CallError) {
        for (key, argument) in arguments {
            try Self.check(argument, at: "\(place).arguments.\(key)")
        }
        if isOfPool { return }
        let entry = try found(at: place)
        var given: ValueMap = [:]
        for (key, argument) in arguments { given[key] = argument.plain }
        try entry.constructor.check(given, of: name, at: "\(place).arguments")
    }

    private static func check(_ argument: DSPyArgument, at place: String) throws(CallError) {
        switch argument {
        case .object(let object): try object.check(at: place)
        case .list(let list):
            for (index, one) in list.enumerated() { try check(one, at: "\(place)[\(index)]") }
        default: break
        }
    }

    /// What the catalogue says of the name.
    private func found(at place: String) throws(CallError) -> DSPyName {
        guard let entry = DSPyName.find(name) else {
            let near = DSPyName.nearest(name).map { "did you mean \($0)?" }
            throw .misfit(
                "\(place).module",
                "DSPy \(DSPyName.release) has no \(name.prefix(60)); "
                    + (near ?? "DSPyName.all has its names")
            )
        }
        guard entry.isMade else {
            throw .misfit("\(place).module", "\(name) cannot be made from a spec: \(entry.note)")
        }
        return entry
    }

    /// Throws where the inputs of a call have a name that it does not take.
    func check(inputs: ValueMap) throws(CallError) {
        guard !isOfPool, let entry = DSPyName.find(name) else { return }
        guard !entry.call.text.isEmpty else {
            throw .misfit("spec.module", "\(name) is nothing that can be called")
        }
        try entry.call.check(inputs, of: name, at: "inputs")
    }

    /// Inputs as data: those that the call names itself might else be read as specs.
    func plain(_ inputs: ValueMap) -> ValueMap {
        guard let entry = DSPyName.find(name), !isOfPool else { return inputs }
        let named = Set(entry.call.parameters.map(\.name))
        return ValueMap(
            inputs.entries.map { key, value in (key, named.contains(key) ? value.asItIs : value) }
        )
    }
}

extension DSPyArgument {
    /// What the catalogue's plain types are held against; an object is of no plain type.
    var plain: Value {
        switch self {
        case .value(let value): value
        case .list(let list): .list(list.map(\.plain))
        case .signature(let signature): signature.value
        case .object, .tool, .score, .embedder, .lm, .example: ["object": true]
        }
    }
}
