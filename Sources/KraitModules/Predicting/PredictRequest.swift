import KraitPrompts
import KraitSignatures
import KraitWire

/// What a prediction is asked for.
struct PredictRequest: Sendable {
    /// The signature, a chain of thought's `reasoning` included.
    var schema: Schema
    /// The inputs as Python would have them: those of declared types are objects.
    var inputs: PythonDict
    var demos: [PythonDict]
    var settings: PredictSettings
    /// When nobody waits for it any more.
    var deadline: ContinuousClock.Instant?
}

extension PredictRequest {
    /// Read from a call's arguments, as the worker reads them.
    ///
    /// - Throws: `.refused` where the arguments do not fit, `.delegated` where only Python can
    ///   tell, or what is asked for only works there.
    init(
        _ arguments: ValueMap,
        _ signatures: SignatureCache<BoundSignature>
    ) throws(PredictFailure) {
        for name in arguments.keys where !Self.names.contains(name) {
            throw .delegated(.argument)
        }
        guard let signature = arguments["signature"] else {
            throw .refused("The call has no `signature` among its arguments.")
        }
        guard let given = arguments["inputs"]?.map else {
            throw .refused("The call has no map `inputs` among its arguments.")
        }
        let bound = try signatures.find(signature)
        schema = bound.schema
        inputs = try bound.inputs(given)
        demos = try Self.demos(arguments["demos"])
        settings = try PredictSettings(arguments["config"])
    }

    private static let names = ["signature", "inputs", "demos", "config"]

    private static func demos(_ value: Value?) throws(PredictFailure) -> [PythonDict] {
        guard let value, value != .null else { return [] }
        guard let list = value.list, list.count <= ModuleLimits.demos else {
            throw .refused("`demos` is a list of at most \(ModuleLimits.demos) maps.")
        }
        var demos: [PythonDict] = []
        for (index, item) in list.enumerated() {
            guard let demo = item.map else {
                throw .refused("`demos[\(index)]` is \(item.kindName), and no map.")
            }
            demos.append(PythonDict(demo))
        }
        return demos
    }
}
