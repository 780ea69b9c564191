import KraitSignatures
import KraitWire

extension Registry {
    /// The error of a call that no candidate fits: what is missing, and what there is in its place.
    func refusal(
        of operation: String,
        choice: RouteChoice,
        requiring required: Capabilities
    ) -> CallError {
        let candidates = entry(for: operation).candidates
        if case .pool(let name) = choice, !pools.contains(name) {
            let remedy = name.remedy(among: pools, kind: "pools", none: "no pool is declared.")
            return CallError(
                .unknownPool,
                "There is no pool named \(name.shortened); \(remedy)",
                operation: operation
            )
        }
        if candidates.isEmpty {
            let none = "no operation is registered."
            let remedy = operation.remedy(among: operations, kind: "operations", none: none)
            return CallError(
                .unknownOperation,
                "Nothing offers the operation \(operation.shortened); \(remedy)",
                operation: operation
            )
        }
        let offered = candidates.map(\.route.description).joined(separator: ", ")
        let fitting = candidates.contains { $0.capabilities.isSuperset(of: required) }
        let capable =
            fitting || required.isEmpty
            ? "" : " with \(required.names.joined(separator: " and "))"
        let wanted =
            switch choice {
            case .automatic: "No implementation"
            case .native: "No native implementation"
            case .pool(let name): "No implementation on pool \(name)"
            }
        return CallError(
            .unknownOperation,
            "\(wanted) of \(operation.shortened)\(capable); it is offered by: \(offered).",
            operation: operation
        )
    }
}

extension String {
    /// The name as it may stand in a message: names come from callers and can be of any length.
    fileprivate var shortened: String { count <= 80 ? self : prefix(79) + "…" }

    /// What to write in place of this name: the nearest there is, or some of all.
    fileprivate func remedy(among names: [String], kind: String, none: String) -> String {
        if names.isEmpty { return none }
        if let near = NearestName.find(self, among: names) { return "did you mean \(near)?" }
        let shown = names.prefix(8).joined(separator: ", ")
        return "the \(kind) are: \(shown)\(names.count > 8 ? ", …" : "")."
    }
}
