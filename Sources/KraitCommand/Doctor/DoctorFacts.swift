import Krait

/// What the doctor found on this machine: facts only, judged by `Diagnosis`.
struct DoctorFacts: Sendable, Equatable {
    /// A library's name, its Debian package, and the version that is loaded; nil for not loaded.
    var libraries: [Library] = []
    /// One for each interpreter that the configuration's pools use.
    var interpreters: [Interpreter] = []
    var configuration = ConfigurationState.absent
    /// The error that a pool's adapter would meet is the pool's; this is the machine's part.
    var sharedMemory = SharedMemory()
    var memory = Memory()
    var runDirectory = RunDirectoryState.problem("not looked at")
    /// The variables with keys that are set.
    ///
    /// Never their values.
    var keyVariables: [String] = []
    /// The variables that pools name as their key's, and that are not set.
    var missingKeyVariables: [String] = []
    /// What `KRAIT_LM` says; nil for nothing.
    var model: String?
    /// Whether Debian's policy, which the demo reads, is installed.
    var hasDebianPolicy = false
    /// A call to an echo worker and back; nil where this program cannot start pools.
    var echo: Echo?

    struct Library: Sendable, Equatable {
        let name: String
        let package: String
        let version: String?
    }

    struct Interpreter: Sendable, Equatable {
        /// As it was asked for: a pool's `python`, or nil for the usual one.
        let asked: String?
        var path: String?
        /// Why it could not be asked; nil where it was.
        var problem: String?
        var version: String?
        /// Versions of packages by their import names; nil for one that is missing, with a text
        /// of why where importing it failed otherwise.
        var packages: [String: String] = [:]
        var failures: [String: String] = [:]
        /// The worker protocol's version that the package speaks.
        var protocolVersion: Int?
    }

    enum ConfigurationState: Sendable, Equatable {
        case absent
        case valid(file: String, pools: Int)
        case invalid(file: String, problems: String)
    }

    struct Memory: Sendable, Equatable {
        /// What all processes here may have together.
        var bytes = 0
        /// Whether that is the control group's bound, and not the machine's memory.
        var isOfGroup = false
        /// What the workers of pools with a `memory_limit` may take together.
        var workerBytes = 0
    }

    struct SharedMemory: Sendable, Equatable {
        var isWritable = false
        var freeBytes = 0
        /// What this user's Krait has there at this moment, in so many segments.
        var usedBytes = 0
        var segments = 0
        /// What the arenas of the pools and of their workers may take together.
        var arenaBytes = 0
    }

    enum RunDirectoryState: Sendable, Equatable {
        case free(path: String)
        case running(path: String, pid: Int32, version: String)
        case problem(String)
    }

    enum Echo: Sendable, Equatable {
        case answered(milliseconds: Double)
        case failed(String)
    }
}
