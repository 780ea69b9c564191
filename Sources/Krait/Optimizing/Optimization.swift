import KraitModules
import KraitSignatures
import KraitWire

/// What one of DSPy's optimizers is to do: with which program, on which rows, by which metric.
///
/// ```swift
/// var optimization = Optimization(
///     .predict(Triage.self),
///     trainset: rows,
///     metric: .scoring("right") { $0["team"] == $1["team"] ? 1 : 0 }
/// )
/// optimization.optimizer = "MIPROv2"
/// optimization.settings = ["auto": "light"]
/// let job = krait.optimize(optimization, on: "optimizer")
/// for try await event in job { print(event) }
/// try job.result.write(to: "triage.json")
/// ```
public struct Optimization: Sendable {
    /// The program that is optimized.
    public var program: OptimizedModule
    /// The state that it begins with; nil for none.
    ///
    /// Going on from a candidate that another job has left is this.
    public var parent: SavedProgram?
    /// The examples: inputs, and what is known to be right.
    public var trainset: [ValueMap]
    /// What the optimizer chooses by, where it takes such rows; nil leaves it to the optimizer.
    public var valset: [ValueMap]?
    /// The rows that are scored before and after; nil holds a share of the training set out.
    public var testset: [ValueMap]?
    /// Which share of the training set is held out where there is no `testset`; 0 for none.
    public var holdout = Defaults.holdout
    /// How good a prediction is.
    public var metric: OptimizationMetric
    /// DSPy's name of the optimizer; `Orchestrator.optimizers` has them all.
    public var optimizer = "BootstrapFewShot"
    /// The optimizer's own arguments, by DSPy's names; language models are maps of LM settings.
    ///
    /// They are held against Python's signature before anything is asked.
    public var settings: ValueMap = [:]
    /// Which fields of a row are inputs; nil takes the signature's.
    public var inputs: [String]?
    /// What errors call the rows of the training set; nil numbers them from 1.
    public var lines: [Int]?
    /// Draws the rows that are held out, and seeds optimizers that take a seed.
    public var seed = 0
    /// How many rows are under way at once.
    public var threads = Defaults.optimizerThreads
    /// With how many failures of the metric the job ends; a row whose metric fails scores 0.
    public var maxErrors = 10

    /// An optimization, with DSPy's defaults for what is not given.
    public init(
        _ program: OptimizedModule,
        trainset: [ValueMap],
        metric: OptimizationMetric,
        optimizer: String = "BootstrapFewShot",
        settings: ValueMap = [:]
    ) {
        self.program = program
        self.trainset = trainset
        self.metric = metric
        self.optimizer = optimizer
        self.settings = settings
    }

    /// The operation that optimizes.
    package static let operation = "optimize"

    /// The call's arguments.
    package var arguments: ValueMap {
        get throws(CallError) {
            var map: ValueMap = [
                "program": try program.spec.get(), "optimizer": .string(optimizer),
                "trainset": .list(trainset.map(Value.map)), "metric": metric.spec,
                "holdout": .double(holdout), "seed": .int(Int64(seed)),
                "threads": .int(Int64(threads)), "max_errors": .int(Int64(maxErrors)),
            ]
            map["valset"] = valset.map { .list($0.map(Value.map)) }
            map["testset"] = testset.map { .list($0.map(Value.map)) }
            map["inputs"] = inputs.map { .list($0.map(Value.string)) }
            map["lines"] = lines.map { .list($0.map { .int(Int64($0)) }) }
            if !settings.isEmpty { map["settings"] = .map(settings) }
            if let parent { map["state"] = .map(try parent.state) }
            return map
        }
    }
}

/// A program that an optimizer can work on: one of DSPy's modules with a signature.
public struct OptimizedModule: Sendable {
    /// As workers read it; see *Worker protocol*.
    package let spec: Result<Value, CallError>

    /// DSPy's `Predict`.
    public static func predict<S: Signature>(_ signature: S.Type) -> OptimizedModule {
        OptimizedModule("Predict") { () throws(SchemaError) in try Schema(of: signature).wireValue }
    }

    /// DSPy's `Predict` of a signature in text.
    public static func predict(_ signature: String) -> OptimizedModule {
        OptimizedModule("Predict") { .string(signature) }
    }

    /// DSPy's `ChainOfThought`.
    public static func chainOfThought<S: Signature>(_ signature: S.Type) -> OptimizedModule {
        OptimizedModule("ChainOfThought") { () throws(SchemaError) in
            try Schema(of: signature).wireValue
        }
    }

    /// DSPy's `ChainOfThought` of a signature in text.
    public static func chainOfThought(_ signature: String) -> OptimizedModule {
        OptimizedModule("ChainOfThought") { .string(signature) }
    }

    /// A program as a worker reads it, such as `["module": "Predict", "signature": "a -> b"]`.
    public static func spec(_ spec: Value) -> OptimizedModule {
        OptimizedModule(spec: .success(spec))
    }

    private init(spec: Result<Value, CallError>) { self.spec = spec }

    private init(_ module: String, _ signature: () throws(SchemaError) -> Value) {
        do throws(SchemaError) {
            spec = .success(["module": .string(module), "signature": try signature()])
        } catch {
            spec = .failure(CallError(.invalidInput, "\(error)"))
        }
    }
}

extension SavedProgram {
    /// The predictors' states as a worker loads them.
    var state: ValueMap {
        get throws(CallError) {
            do {
                return try PlainJSON.decode(Array(json.utf8)).map ?? [:]
            } catch {
                throw CallError(.invalidInput, "The saved program cannot be sent: \(error)")
            }
        }
    }
}
