import KraitWire

/// What a pool's workers run: `echo`, `dspy`, or a class of the user's own.
public struct Adapter: Sendable, Equatable {
    /// `echo`, `dspy` or `module:Class`, as the worker is told.
    public var name: String
    /// Arguments of the adapter's constructor.
    public var options: ValueMap

    /// An adapter by the name the worker knows it by.
    public init(name: String, options: ValueMap = [:]) {
        self.name = name
        self.options = options
    }

    /// Sends arguments back: for benches, tests and `krait doctor`.
    public static let echo = Adapter(name: "echo")

    /// DSPy, with the pool's language model; calls may lay their own settings over it.
    ///
    /// - Parameters:
    ///   - model: as DSPy names it, such as `openai/gpt-4o-mini`; nil leaves it to each call.
    ///   - apiBase: the endpoint, where it is not the provider's own.
    ///   - settings: further LM settings (`temperature`, `max_tokens`, `num_retries`, `timeout`,
    ///     `key_env`), see *Worker protocol*. A key itself is never a setting: it comes from the
    ///     environment.
    ///   - programs: `dspy.Module` classes of the user's own as `module:Class`, found on the pool's
    ///     `path`, by the names that they are called by: `["rag": "my_rag:Rag"]`.
    public static func dspy(
        model: String? = nil,
        apiBase: String? = nil,
        settings: ValueMap = [:],
        programs: [String: String] = [:]
    ) -> Adapter {
        var lm = settings
        if let model { lm["model"] = .string(model) }
        if let apiBase { lm["api_base"] = .string(apiBase) }
        var options: ValueMap = [:]
        if !lm.isEmpty { options["lm"] = .map(lm) }
        if !programs.isEmpty {
            let named = programs.sorted { $0.key < $1.key }.map { ($0.key, Value.string($0.value)) }
            options["programs"] = .map(ValueMap(named))
        }
        return Adapter(name: "dspy", options: options)
    }

    /// A class of the user's own, as `module:Class`, found on the pool's `path`.
    public static func custom(_ name: String, options: ValueMap = [:]) -> Adapter {
        Adapter(name: name, options: options)
    }
}
