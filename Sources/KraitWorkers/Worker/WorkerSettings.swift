import KraitWire

/// What every worker of a pool is started with.
package struct WorkerSettings: Sendable, Equatable {
    package var slots: Int
    package var codec: Codec
    package var heartbeat: Duration
    /// After how many heartbeats without one a worker counts as silent.
    package var missedHeartbeats: Int
    /// How long a process may take to say hello and ready.
    package var startPatience: Duration
    /// How long each gentle step of ending a worker may take (drain, then SIGTERM).
    package var teardownPatience: Duration

    package init(
        slots: Int,
        codec: Codec,
        heartbeat: Duration,
        missedHeartbeats: Int = 5,
        startPatience: Duration,
        teardownPatience: Duration = .seconds(2)
    ) {
        self.slots = slots
        self.codec = codec
        self.heartbeat = heartbeat
        self.missedHeartbeats = missedHeartbeats
        self.startPatience = startPatience
        self.teardownPatience = teardownPatience
    }

    var silence: Duration { heartbeat * missedHeartbeats }
}
