import KraitSignatures
import KraitWire

/// One of a session's programs: what DSPy makes of it is plain data.
///
/// ```swift
/// let programs: [String: SessionProgram] = [
///     "answer": .chainOfThought("question, past: dspy.History -> answer"),
///     "triage": .predict(Triage.self),
/// ]
/// ```
public struct SessionProgram: Sendable, Equatable {
    /// What the worker is told; see *WorkerProtocol* for its keys.
    public var spec: Value

    /// A program of any spec that DSPy can make an object of, such as
    /// `["module": "ChainOfThought", "signature": "question -> answer"]`.
    public init(_ spec: Value) { self.spec = spec }

    /// `dspy.Predict` of a signature in DSPy's text form.
    public static func predict(
        _ signature: String,
        instructions: String? = nil
    ) -> SessionProgram {
        SessionProgram("Predict", text: signature, instructions)
    }

    /// `dspy.ChainOfThought` of a signature in DSPy's text form.
    public static func chainOfThought(
        _ signature: String,
        instructions: String? = nil
    ) -> SessionProgram {
        SessionProgram("ChainOfThought", text: signature, instructions)
    }

    /// `dspy.Predict` of a typed signature.
    ///
    /// - Throws: where the signature does not hold together.
    public static func predict<S: Signature>(
        _ signature: S.Type
    ) throws(SchemaError) -> SessionProgram {
        SessionProgram(["module": "Predict", "signature": try Schema(of: signature).wireValue])
    }

    /// `dspy.ChainOfThought` of a typed signature.
    ///
    /// - Throws: where the signature does not hold together.
    public static func chainOfThought<S: Signature>(
        _ signature: S.Type
    ) throws(SchemaError) -> SessionProgram {
        let wire = try Schema(of: signature).wireValue
        return SessionProgram(["module": "ChainOfThought", "signature": wire])
    }

    private init(_ module: String, text: String, _ instructions: String?) {
        var signature: Value = .string(text)
        if let instructions {
            signature = ["signature": signature, "instructions": .string(instructions)]
        }
        spec = ["module": .string(module), "signature": signature]
    }
}

/// How a session is kept.
public struct SessionPolicy: Sendable, Equatable {
    /// When what a session knows is saved; before its worker is drained or recycled it always is.
    public enum Checkpoints: Sendable, Equatable {
        /// With each answer that changes it: nothing is lost by the end of a worker.
        case afterEachCall
        /// With every so-many-th: the end of a worker loses the calls since.
        case afterCalls(Int)
        /// Only before a worker leaves: its crash loses everything since.
        case onDrain
    }

    /// Where a session's calls may go.
    public enum Affinity: String, Sendable {
        /// To the worker that has its state, or, where that is busy and nothing would be lost, to a
        /// free one that is given the state.
        case preferred
        /// To the worker that has its state for as long as that lives, waiting for it.
        case required
    }

    /// When what it knows is saved.
    public var checkpoints: Checkpoints
    /// Where its calls may go.
    public var affinity: Affinity
    /// How long it is kept without a call.
    public var timeToLive: Duration

    /// A policy; the defaults lose nothing, and keep a session for a day.
    public init(
        checkpoints: Checkpoints = .afterEachCall,
        affinity: Affinity = .preferred,
        timeToLive: Duration = .seconds(86_400)
    ) {
        self.checkpoints = checkpoints
        self.affinity = affinity
        self.timeToLive = timeToLive
    }

    var value: Value {
        let saves: Value =
            switch checkpoints {
            case .afterEachCall: 1
            case .afterCalls(let count): .int(Int64(count))
            case .onDrain: "drain"
            }
        return [
            "checkpoints": saves, "affinity": .string(affinity.rawValue),
            "ttl_s": .double(timeToLive / .seconds(1)),
        ]
    }
}

/// What is known of a session.
public struct SessionStatus: Sendable, Equatable {
    /// Its name.
    public var id: String
    /// The pool whose workers serve it.
    public var pool: String
    /// The worker that has its state at this moment; nil where none has, until the next call.
    public var worker: String?
    /// The caller who owns it; nil for everybody's.
    public var caller: String?
    /// How many calls are under way.
    public var running: Int
    /// Whether somebody has it to himself.
    public var isCheckedOut: Bool
    /// How long ago it was begun, and last used.
    public var age: Duration
    /// How long ago it was last used.
    public var idle: Duration
    /// How long ago what is kept of it was written; nil for never.
    public var sinceSaved: Duration?
    /// How many calls are in the state that is kept.
    public var version: Int
    /// How many bytes that has.
    public var bytes: Int
    /// The version of DSPy that gave it.
    public var dspy: String?
    /// What of the state could not be saved, by name, such as `programs.answer.self.lm`.
    public var missing: [String]

    /// As `krait sessions --json` prints it.
    public var value: Value {
        [
            "id": .string(id), "pool": .string(pool),
            "worker": worker.map(Value.string) ?? .null,
            "caller": caller.map(Value.string) ?? .null, "running": .int(Int64(running)),
            "checked_out": .bool(isCheckedOut), "age_s": .double(age.roundedSeconds),
            "idle_s": .double(idle.roundedSeconds),
            "since_saved_s": sinceSaved.map { .double($0.roundedSeconds) } ?? .null,
            "version": .int(Int64(version)), "bytes": .int(Int64(bytes)),
            "dspy": dspy.map(Value.string) ?? .null,
            "missing": .list(missing.map(Value.string)),
        ]
    }
}
