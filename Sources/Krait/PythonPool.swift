import KraitWire

/// A pool of Python worker processes, as a program declares it.
///
/// The defaults are those of `Defaults`; every count is capped by the machine when the pool starts.
public struct PythonPool: Sendable, Equatable {
    /// The pool's name, one of a kind in its orchestrator.
    public var name: String
    /// What the workers run.
    public var adapter: Adapter
    /// How many worker processes there are.
    public var workers: Int
    /// How many calls one worker serves at once.
    public var slots: Int
    /// The interpreter, or the folder of a virtual environment; nil finds `.venv` or `python3`.
    public var python: String?
    /// Whether workers are forked from a warm forkserver or executed afresh.
    public var start: Start
    /// What bodies are written in where a call does not say.
    public var codec: Codec
    /// How many calls may wait for a slot; the next one is refused with `queue_full`.
    public var queueLimit: Int
    /// How long a call may take in all where it does not say itself.
    public var timeout: Duration
    /// The interval of a worker's heartbeats; one that shows no sign of life for two and a half is
    /// silent, and replaced within the third.
    public var heartbeat: Duration
    /// How long a worker, and the import of the adapter, may take until it is ready.
    public var startTimeout: Duration
    /// When calls of an operation that keeps failing are refused at once.
    public var breaker: Breaker
    /// How often an idempotent call is made in all where its worker is lost; 1 is never again.
    public var attempts: Int
    /// How many calls a second the pool takes; nil for any number.
    public var rateLimit: Double?
    /// How many calls a second the pool takes of one caller (`CallOptions.caller`); nil for any.
    public var callerRateLimit: Double?
    /// How long a worker serves before it is replaced; nil for ever.
    ///
    /// Workers of one pool are spread over its last tenth, so that they do not all go at once.
    public var maxAge: Duration?
    /// How many calls a worker answers before it is replaced; nil for any number.
    public var maxCalls: Int?
    /// From how many bytes of its own on a worker is replaced, its calls done; nil for none.
    ///
    /// Where a new worker has as much already, no worker is replaced for it, and the event
    /// `pool.limit_too_low` says so.
    public var maxMemory: Int?
    /// How long after it failed a pool is tried again; the time doubles with each try, up to five
    /// minutes or this, whichever is longer.
    public var recoverAfter: Duration
    /// How many bytes of memory a worker may write to; nil is no limit.
    ///
    /// A call that goes beyond it fails with Python's `MemoryError`, and the worker goes on. It
    /// counts what the import of the adapter takes, and the stacks of threads; mapped files and
    /// reserved address space do not count.
    public var memoryLimit: Int?
    /// How much processor time a worker may use in its whole life; nil is no limit.
    ///
    /// The worker is killed at the limit, with the calls it has, and replaced: a safety net against
    /// code that spins, not a bound for a call, which `timeout` is.
    public var cpuLimit: Duration?
    /// How many bytes of shared memory the pool may use for large arguments, and each of its
    /// workers for large results; nil for none.
    ///
    /// Memory is taken when it is needed, and a half is kept for the next time. What does not fit,
    /// and what goes over TCP, is sent through the socket, which takes longer.
    public var arena: Int?
    /// How many bytes of large values one call may have; of an answer, each value.
    public var payloadLimit: Int
    /// Whether large calls and answers are compressed on their way.
    public var compression: Compression
    /// Environment variables laid over the daemon's own for this pool's processes.
    public var environment: [String: String]
    /// Folders put before Python's own module path.
    public var path: [String]
    /// Where the workers connect: nil for the run's socket file, or `tcp://HOST:PORT`.
    ///
    /// The port `*` stands for any. TCP has CURVE keys always: drawn for each run and each worker,
    /// and known to nobody else.
    public var endpoint: String?
    /// How many workers that somebody starts on other hosts the pool takes beside its own.
    ///
    /// They need an `endpoint` whose port is known, and `joinKeys`. The pool leases them as it does
    /// its own, and loses and takes them as they go and come; it never waits for one.
    public var remoteWorkers: Int
    /// The file with the pool's side of the keys that remote workers join by, as `krait keys`
    /// writes it; nil lets nobody join.
    public var joinKeys: String?

    /// A pool, each setting with its default.
    public init(
        _ name: String,
        adapter: Adapter,
        workers: Int = Defaults.workers,
        slots: Int = Defaults.slots,
        python: String? = nil,
        start: Start = .fork,
        codec: Codec = .messagePack,
        queueLimit: Int = Defaults.queueLimit,
        timeout: Duration = Defaults.timeout,
        heartbeat: Duration = Defaults.heartbeat,
        startTimeout: Duration = Defaults.startTimeout,
        breaker: Breaker = Breaker(),
        attempts: Int = Defaults.attempts,
        rateLimit: Double? = nil,
        callerRateLimit: Double? = nil,
        maxAge: Duration? = nil,
        maxCalls: Int? = nil,
        maxMemory: Int? = nil,
        recoverAfter: Duration = Defaults.recoverAfter,
        memoryLimit: Int? = nil,
        cpuLimit: Duration? = nil,
        arena: Int? = Defaults.arena,
        payloadLimit: Int = Defaults.payloadLimit,
        compression: Compression = .automatic,
        environment: [String: String] = [:],
        path: [String] = [],
        endpoint: String? = nil,
        remoteWorkers: Int = 0,
        joinKeys: String? = nil
    ) {
        self.name = name
        self.adapter = adapter
        self.workers = workers
        self.slots = slots
        self.python = python
        self.start = start
        self.codec = codec
        self.queueLimit = queueLimit
        self.timeout = timeout
        self.heartbeat = heartbeat
        self.startTimeout = startTimeout
        self.breaker = breaker
        self.attempts = attempts
        self.rateLimit = rateLimit
        self.callerRateLimit = callerRateLimit
        self.maxAge = maxAge
        self.maxCalls = maxCalls
        self.maxMemory = maxMemory
        self.recoverAfter = recoverAfter
        self.memoryLimit = memoryLimit
        self.cpuLimit = cpuLimit
        self.arena = arena
        self.payloadLimit = payloadLimit
        self.compression = compression
        self.environment = environment
        self.path = path
        self.endpoint = endpoint
        self.remoteWorkers = remoteWorkers
        self.joinKeys = joinKeys
    }

    /// When a pool stops sending the calls of an operation that keeps failing, and refuses them
    /// with `circuit_open` instead: each operation is watched by itself.
    ///
    /// Counted are the last 30 seconds, once they hold 10 calls. A failure is a lost worker, a
    /// deadline that passed after a second or more, and a language model that cannot be reached
    /// or answers with 408, 429 or 5xx; an exception of the operation's own code is none. After
    /// `openFor` three calls pass as a trial; where one fails, the next wait is twice as long, up
    /// to a minute.
    public struct Breaker: Sendable, Equatable {
        /// The share of failures at which it opens; above 1 it never does.
        public var failureRate: Double
        /// A call that takes longer is slow; at four slow calls in five it opens.
        ///
        /// Nil for none.
        public var slowCall: Duration?
        /// How long calls are refused the first time.
        public var openFor: Duration

        /// The defaults suit a language model that is elsewhere.
        public init(
            failureRate: Double = Defaults.breakerFailureRate,
            slowCall: Duration? = nil,
            openFor: Duration = Defaults.breakerOpenFor
        ) {
            self.failureRate = failureRate
            self.slowCall = slowCall
            self.openFor = openFor
        }
    }

    /// When what goes to a worker and back is compressed.
    ///
    /// Only what is large enough to gain by it, and only for workers whose Python has the library
    /// (`krait-worker[compression]`); what lies in shared memory never is.
    public enum Compression: String, Sendable, CaseIterable {
        /// By zstd for workers on other hosts; those here are sent things as they are.
        case automatic
        /// Never.
        case none
        /// By zstd, for all workers.
        case zstd
        /// By LZ4, for all workers: less small and quicker than zstd.
        case lz4
    }

    /// How worker processes come about.
    public enum Start: String, Sendable, CaseIterable {
        /// Forked from a process that has imported the adapter: milliseconds, little memory.
        case fork
        /// A fresh interpreter each: for adapters that start threads when they are imported.
        case exec
    }
}

extension PythonPool {
    /// What the pool's calls are compressed by; nil for nothing.
    var compressionRule: CompressionRule? {
        switch compression {
        case .none: nil
        case .automatic: remoteWorkers > 0 ? CompressionRule(.zstd) : nil
        case .zstd: CompressionRule(.zstd)
        case .lz4: CompressionRule(.lz4)
        }
    }
}
