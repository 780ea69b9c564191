import KraitWire

/// What every worker of a pool is started with.
package struct WorkerSettings: Sendable, Equatable {
    package var slots: Int
    package var codec: Codec
    package var heartbeat: Duration
    /// How long a process may take to say hello and ready.
    package var startPatience: Duration
    /// How long each gentle step of ending a worker may take (drain, then SIGTERM).
    package var teardownPatience: Duration
    /// What a worker may use of the machine.
    package var limits: WorkerLimits
    /// How many bytes may come beside one answer.
    package var payloadLimit: Int
    /// When envelopes are compressed, for workers that can read them so; nil for never.
    package var compression: CompressionRule?
    /// Whether those that run here, too, are sent them.
    package var compressesForAll: Bool

    package init(
        slots: Int,
        codec: Codec,
        heartbeat: Duration,
        startPatience: Duration,
        teardownPatience: Duration = .seconds(2),
        limits: WorkerLimits = WorkerLimits(),
        payloadLimit: Int = Limits.attachmentBytes,
        compression: CompressionRule? = nil,
        compressesForAll: Bool = false
    ) {
        self.payloadLimit = payloadLimit
        self.compression = compression
        self.compressesForAll = compressesForAll
        self.slots = slots
        self.codec = codec
        self.heartbeat = heartbeat
        self.startPatience = startPatience
        self.teardownPatience = teardownPatience
        self.limits = limits
    }

    /// After how many intervals without a sign of life a worker is silent.
    ///
    /// One that stops is to be found and replaced within three: half an interval is left for the
    /// kill and the fork. It may be late by one and a half before it is taken for dead wrongly, and
    /// whatever it sends is a sign of life.
    package static let heartbeatsToSilence = 2.5

    var silence: Duration { heartbeat * Self.heartbeatsToSilence }
}

/// What a worker may use of the machine; nil is no limit.
package struct WorkerLimits: Sendable, Equatable {
    /// Bytes of memory that it may write to: `RLIMIT_DATA`.
    package var memoryBytes: Int?
    /// Seconds of processor time over its whole life: `RLIMIT_CPU`.
    package var cpuSeconds: Int?

    package init(memoryBytes: Int? = nil, cpuSeconds: Int? = nil) {
        self.memoryBytes = memoryBytes
        self.cpuSeconds = cpuSeconds
    }
}
