import KraitSignatures
import KraitWire

extension Program {
    /// The same with a saved state loaded, as DSPy's `load` does: demos, instructions, prefixes and
    /// descriptions, and the model where one was saved.
    ///
    /// - Parameters:
    ///   - allowsUnsafeModel: whether a saved model keeps the address it was saved with; without it
    ///     `api_base` and the like are left out, as in DSPy. For files you trust.
    ///   - onWarning: told what DSPy warns of, or passes over: another version, predictors that the
    ///     program does not have, signatures of another size, addresses left out.
    /// - Throws: `missingPredictor` where the program has one that the file does not have, and
    ///   `notAState` with the place where its state is none.
    public func loading(
        _ saved: SavedProgram,
        allowsUnsafeModel: Bool = false,
        onWarning: (String) -> Void = { _ in }
    ) throws(SavedProgramError) -> Program {
        for warning in saved.warnings { onWarning(warning) }
        let names = predictors.map(\.name)
        let others = saved.predictors.keys.filter { !names.contains($0) }
        if !others.isEmpty {
            onWarning(
                "The file has predictors that the program does not have: "
                    + others.joined(separator: ", ") + "."
            )
        }
        return try mapping { name, predictor throws(SavedProgramError) in
            guard let state = saved.predictors[name]?.map else {
                let near = NearestName.find(name, among: others).map { "it as `\($0)`" }
                let known = near ?? saved.predictors.keys.joined(separator: ", ")
                throw SavedProgramError(
                    .missingPredictor,
                    "the program has a predictor `\(name)`, and the file has none of that name",
                    remedy:
                        "name the program's parts as its attributes in DSPy: the file has \(known)",
                    path: name
                )
            }
            return try predictor.loading(state, name, allowsUnsafeModel, onWarning)
        }
    }

    /// What DSPy's `load` reads: the state of each predictor by its name.
    ///
    /// States that were loaded keep their traces and training data; the versions are Krait's.
    public var saved: SavedProgram {
        SavedProgram(predictors: ValueMap(predictors.map { ($0.name, $0.predictor.state) }))
    }
}

extension ProgramPredictor {
    /// What a state has a place of its own for here.
    private static let known = ["demos", "signature", "lm"]

    fileprivate func loading(
        _ state: ValueMap,
        _ name: String,
        _ allowsUnsafeModel: Bool,
        _ onWarning: (String) -> Void
    ) throws(SavedProgramError) -> ProgramPredictor {
        var loaded = self
        let signature = state["signature"] ?? .null
        do {
            loaded.schema = try schema.loading(state: signature)
        } catch {
            let path = "\(name).signature.\(error.path ?? "")"
            throw SavedProgramError(.notAState, error.reason, remedy: error.remedy, path: path)
        }
        let count = signature["fields"]?.list?.count ?? 0
        if count != schema.fields.count {
            onWarning(
                "The signature of `\(name)` was saved with \(count) fields and has "
                    + "\(schema.fields.count): those in common count."
            )
        }
        loaded.demos = (state["demos"]?.list ?? []).compactMap(\.map)
        if let lm = state["lm"]?.map {
            loaded.lm = try SavedLM(lm, "\(name).lm", allowsUnsafeModel, onWarning)
        } else {
            loaded.lm = nil
        }
        loaded.others = ValueMap()
        for (key, value) in state.entries where !Self.known.contains(key) {
            loaded.others[key] = value
        }
        return loaded
    }

    /// In DSPy's order.
    fileprivate var state: Value {
        var state = ValueMap()
        for key in ["traces", "train"] { state[key] = others[key] ?? [] }
        state["demos"] = .list(demos.map(Value.map))
        state["signature"] = schema.state
        for (key, value) in others.entries where state[key] == nil { state[key] = value }
        state["lm"] = lm.map { .map($0.state) } ?? .null
        return .map(state)
    }
}
