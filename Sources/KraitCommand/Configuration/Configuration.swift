import Krait
import KraitObservability

/// What a daemon is started with, from `krait.yaml` and the command line.
struct Configuration: Sendable, Equatable {
    static let defaultName = "default"

    /// The daemon's name, which tells daemons on one machine apart.
    var name = Configuration.defaultName
    /// The folder in which the daemon's own folder is made; nil for the user's usual place.
    var runDirectory: String?
    var logLevel = LogLevel.info
    /// How long a stopping daemon waits for the calls that run.
    var drainTimeout = Defaults.drainTimeout
    var routing = RoutingPolicy.preferNative
    /// What is kept of the answers of language models that the daemon asks itself.
    var cache = LMCacheSettings()
    /// How many sessions there may be, and where they are kept.
    var sessions = SessionSettings()
    var pools: [PythonPool] = []
    /// Where an operation's calls go when their pool cannot take them.
    var fallbacks: [Fallback] = []
}
