import KraitModules
import KraitWire

/// What an optimization ends with: the program's new state, and where it comes from.
public struct OptimizedProgram: Sendable, Equatable {
    /// Optimizer, settings, metric, data, seed, scores, counts and versions; see *Optimizers*.
    public let lineage: Value
    private let state: Value

    /// Reads what a worker gave.
    package init(_ value: Value) throws(CallError) {
        guard let state = value["state"], state.map != nil, let lineage = value["lineage"] else {
            throw CallError(.invalidOutput, "what came is no optimized program")
        }
        self.state = state
        self.lineage = lineage
    }

    /// The score on the held-out rows before, in percent; nil without such rows.
    public var scoreBefore: Double? { lineage["score"]?["before"]?.double }

    /// The score on the held-out rows afterwards.
    public var scoreAfter: Double? { lineage["score"]?["after"]?.double }

    /// How often a language model was asked in all.
    public var lmCalls: Int { lineage["lm_calls"]?.int ?? 0 }

    /// The state, for `Program.loading`: the program then runs in this process.
    public var saved: SavedProgram {
        get throws(SavedProgramError) { try SavedProgram(json: json) }
    }

    /// The file that DSPy's `load` reads, with the lineage among its metadata.
    public var json: String {
        get throws(SavedProgramError) { try SavedProgram.text(of: state) }
    }

    /// Writes the file; one that is there is replaced as a whole.
    public func write(to path: String) throws(SavedProgramError) {
        try SavedProgram.write(try json, to: path)
    }
}
