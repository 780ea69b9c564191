import KraitSignatures
import KraitWire

/// A program's state as DSPy's `program.save("program.json")` writes it, and `load` reads it.
///
/// It holds each predictor's demos, instructions, and fields' prefixes and descriptions; names and
/// types of fields, and the program's code, are not in it: they are the program's that loads it.
public struct SavedProgram: Sendable, Equatable {
    /// The predictors' states by name, in order.
    public private(set) var predictors: ValueMap
    /// The versions it was saved with, by `python`, `dspy` and `cloudpickle`.
    public private(set) var versions: [String: String]

    /// The version of DSPy whose ways Krait follows.
    public static let version = "3.4.1"
    private static let versionName = "dspy"
    /// The name of a predictor that is the whole program.
    private static let whole = "self"

    init(predictors: ValueMap) {
        self.predictors = predictors
        versions = [Self.versionName: Self.version]
    }

    /// Reads a saved state.
    ///
    /// - Throws: `malformed` where it is no JSON, such as a truncated file, and `notAState` with
    ///   the place where it is not what DSPy saves.
    public init(json: String) throws(SavedProgramError) {
        let value: Value
        do {
            value = try PlainJSON.decode(Array(json.utf8))
        } catch {
            throw SavedProgramError(
                .malformed,
                "it is no whole JSON text: \(error)",
                remedy: "save the program again, with DSPy's `program.save`"
            )
        }
        guard var states = value.map else {
            throw .misplaced("", "a map of predictors", value)
        }
        guard let metadata = states["metadata"] else {
            throw SavedProgramError(
                .notAState,
                "it has no `metadata`, with the versions it was saved with",
                remedy: "save it with DSPy's `program.save`, not with `dump_state`",
                path: "metadata"
            )
        }
        states["metadata"] = nil
        let path = "metadata.dependency_versions"
        guard let versions = metadata["dependency_versions"]?.map else {
            throw .misplaced(path, "a map of versions", metadata["dependency_versions"])
        }
        self.versions = [:]
        for (name, version) in versions.entries {
            guard let text = version.string else {
                throw .misplaced("\(path).\(name)", "text", version)
            }
            self.versions[name] = text
        }
        guard states.count <= ModuleLimits.predictors else {
            throw SavedProgramError(
                .notAState,
                "it has \(states.count) predictors, and at most \(ModuleLimits.predictors) are read"
            )
        }
        // Of a predictor that is the whole program DSPy saves the state itself.
        if states["signature"] != nil, states["demos"]?.map == nil {
            states = [Self.whole: .map(states)]
        }
        for (name, state) in states.entries { try Self.check(state, name) }
        predictors = states
    }

    /// What differs from the version that Krait follows: DSPy warns of the same and goes on.
    public var warnings: [String] {
        guard let version = versions[Self.versionName], version != Self.version else { return [] }
        return [
            "The program was saved with dspy \(version), and Krait does as dspy \(Self.version): "
                + "its messages may differ, and it may do worse."
        ]
    }

    private static func check(_ state: Value, _ name: String) throws(SavedProgramError) {
        guard let state = state.map else { throw .misplaced(name, "a predictor's state", state) }
        guard state["extended_signature"] == nil else {
            throw SavedProgramError(
                .notAState,
                "`\(name)` was saved by DSPy 2.5 or before, which nobody reads any more",
                remedy: "save it with DSPy 2.6 or later",
                path: name
            )
        }
        guard let demos = state["demos"]?.list else {
            throw .misplaced("\(name).demos", "a list of maps", state["demos"])
        }
        for (index, demo) in demos.enumerated() where demo.map == nil {
            throw .misplaced("\(name).demos[\(index)]", "a map", demo)
        }
        guard state["signature"]?.map != nil else {
            throw .misplaced("\(name).signature", "a map", state["signature"])
        }
        switch state["lm"] {
        case .null?, .map?: break
        case let other: throw .misplaced("\(name).lm", "null or a map", other)
        }
    }

    /// The state as JSON, in the form of DSPy's own files.
    public var json: String {
        get throws(SavedProgramError) {
            var states = predictors
            if states.keys == [Self.whole], let state = states[Self.whole]?.map { states = state }
            let versions = ValueMap(versions.sorted { $0.key < $1.key }.map { ($0, .string($1)) })
            states["metadata"] = ["dependency_versions": .map(versions)]
            return try Self.text(of: .map(states))
        }
    }

    /// A state in the form of DSPy's own files.
    package static func text(of state: Value) throws(SavedProgramError) -> String {
        do {
            // Refuses what JSON has no form for; in DSPy's form it is written for people.
            _ = try PlainJSON.encode(state)
            return try JSONText.write(PythonValue(state), indent: 2) + "\n"
        } catch {
            throw SavedProgramError(
                .notAState,
                "a demo holds a value that JSON has no form for, such as bytes or a time",
                remedy: "leave that demo out, or write the value as text"
            )
        }
    }
}

/// Why a saved program cannot be read, loaded or written; never holds a value of it.
public struct SavedProgramError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong, for programs.
    public var code: Code
    /// What is wrong, in a sentence without an end.
    public var reason: String
    /// What to do about it.
    public var remedy: String?
    /// Where in the file: `predict.demos[3]`.
    public var path: String?

    init(_ code: Code, _ reason: String, remedy: String? = nil, path: String? = nil) {
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.path = path
    }

    /// What went wrong, for programs.
    ///
    /// New codes may be added: a `switch` needs a `default`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public let rawValue: String
        /// A code of this name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The file cannot be read or written.
        public static let unreadable = Code(rawValue: "unreadable")
        /// It is no JSON, or only the beginning of one.
        public static let malformed = Code(rawValue: "malformed")
        /// It is not what DSPy saves: see `path`.
        public static let notAState = Code(rawValue: "not_a_state")
        /// The program has a predictor that the file does not have.
        public static let missingPredictor = Code(rawValue: "missing_predictor")
        /// A model that only Python can load, or that a file may not bring.
        public static let model = Code(rawValue: "model")
    }

    /// The code, the place, the reason and the remedy.
    public var description: String {
        let place = path.map { $0.isEmpty ? "" : " at \($0)" } ?? ""
        return "\(code.rawValue)\(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
    }

    static func misplaced(_ path: String, _ wanted: String, _ found: Value?) -> SavedProgramError {
        SavedProgramError(
            .notAState,
            "a saved program has \(wanted) here, and this has \(found?.kindName ?? "nothing")",
            remedy: "save the program again, with DSPy's `program.save`",
            path: path
        )
    }
}
