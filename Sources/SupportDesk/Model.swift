import Foundation
import Krait

/// Runs `body` with the model that `KRAIT_LM` names, and its key in the provider's own variable.
///
/// Without one it is the offline LM: a real HTTP server with fixed rules and no model inside, kept
/// by a pool of its own.
func withModel(
    _ body: @escaping @Sendable (LM, Adapter) async throws -> Void
) async throws {
    if let model = ProcessInfo.processInfo.environment["KRAIT_LM"], !model.isEmpty {
        return try await body(LM(model), .dspy(model: model))
    }
    let host = Orchestrator(name: "offline-lm") {
        PythonPool("offline-lm", adapter: .custom("krait_worker.offline_lm.adapter:OfflineLM"))
    }
    try await host.running { host in
        let url = try await host.call("url").value.string ?? ""
        let lm = LM("openai/offline", apiBase: url, apiKey: "none")
        try await body(lm, .dspy(model: "openai/offline", apiBase: url))
    }
}
