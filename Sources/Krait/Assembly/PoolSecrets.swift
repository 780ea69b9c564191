import KraitObservability
import KraitWire

extension Orchestrator {
    /// The secrets that the pools' processes are started with.
    static func secrets(of pools: [PythonPool], _ environment: [String: String]?) -> Secrets {
        var all = environment ?? ProcessEnvironment.all()
        var names: Set<String> = []
        for pool in pools {
            all.merge(pool.environment) { $1 }
            if let name = pool.adapter.options["lm"]?["key_env"]?.string { names.insert(name) }
        }
        return Secrets(in: all, named: names)
    }
}
