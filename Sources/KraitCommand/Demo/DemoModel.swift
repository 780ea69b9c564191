import Krait

/// The language model the demo answers by.
enum DemoModel: Sendable {
    /// A real one, as DSPy names it.
    case named(String)
    /// No model: deterministic rules over real HTTP, served by a pool of its own.
    case offline

    /// The variable that names a real model.
    static let variable = "KRAIT_LM"

    init(environment: [String: String]) {
        let name = environment[Self.variable] ?? ""
        self = name.isEmpty ? .offline : .named(name)
    }

    /// How the demo speaks of it, wherever its answers appear.
    var title: String {
        switch self {
        case .named(let name): name
        case .offline:
            "the offline LM (no model inside; set \(Self.variable)=openai/gpt-4o-mini for one)"
        }
    }

    /// Runs `body` with a DSPy adapter for the model, and with the model there.
    func withAdapter<Result: Sendable>(
        _ body: @escaping @Sendable (Adapter) async throws -> Result
    ) async throws -> Result {
        switch self {
        case .named(let name): return try await body(.dspy(model: name))
        case .offline:
            let host = Orchestrator(name: "offline-lm") {
                PythonPool(
                    "offline-lm",
                    adapter: .custom("krait_worker.offline_lm.adapter:OfflineLM"),
                    workers: 1
                )
            }
            return try await host.running { host in
                let url = try await host.call("url").value.string ?? ""
                return try await body(.dspy(model: "openai/offline", apiBase: url))
            }
        }
    }
}
