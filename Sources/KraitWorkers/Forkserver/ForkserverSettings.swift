import KraitWire

/// What a pool's forkserver is started with.
package struct ForkserverSettings: Sendable, Equatable {
    package var pool: String
    /// The interpreter, or why there is none; that is told when a worker is first asked for.
    package var python: Result<PythonEnvironment, LaunchError>
    /// `echo`, `dspy` or `module:Class`.
    package var adapter: String
    package var options: ValueMap
    package var path: [String]
    package var mode: Mode
    /// The whole environment of the pool's processes.
    package var environment: [String: String]
    /// How long the import of the adapter may take.
    package var patience: Duration
    /// How long a fork may take: milliseconds, where the forkserver does not hang.
    package var launchPatience: Duration

    package init(
        pool: String,
        python: Result<PythonEnvironment, LaunchError>,
        adapter: String,
        options: ValueMap,
        path: [String],
        mode: Mode,
        environment: [String: String],
        patience: Duration,
        launchPatience: Duration = .seconds(2)
    ) {
        self.pool = pool
        self.python = python
        self.adapter = adapter
        self.options = options
        self.path = path
        self.mode = mode
        self.environment = environment
        self.patience = patience
        self.launchPatience = launchPatience
    }

    /// How workers come about; the raw value is the protocol's word.
    package enum Mode: String, Sendable {
        case fork
        case exec
    }

    /// The `load` message.
    var load: Value {
        [
            "do": "load",
            "adapter": .string(adapter),
            "options": .map(options),
            "path": .list(path.map(Value.string)),
            "mode": .string(mode.rawValue),
        ]
    }
}
