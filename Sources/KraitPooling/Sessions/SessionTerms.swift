import KraitWire

/// How a session is kept; said when it is begun.
package struct SessionTerms: Sendable, Equatable {
    /// Where its calls may go.
    package enum Affinity: Sendable, Equatable {
        /// To the worker that has its state, or to a free one which is given the state, where
        /// nothing would be lost by that.
        case preferred
        /// To the worker that has its state, for as long as that lives.
        case required
    }

    /// When its state is saved; before its worker is drained or recycled it always is.
    package enum Checkpoints: Sendable, Equatable {
        case afterCalls(Int)
        case onDrain
    }

    package var affinity: Affinity
    package var checkpoints: Checkpoints
    /// How long it is kept without a call.
    package var timeToLive: Duration

    package init(
        affinity: Affinity = .preferred,
        checkpoints: Checkpoints = .afterCalls(1),
        timeToLive: Duration = .seconds(3_600)
    ) {
        self.affinity = affinity
        self.checkpoints = checkpoints
        self.timeToLive = timeToLive
    }
}

/// What a pool's sessions may come to.
package struct SessionLimits: Sendable, Equatable {
    package var sessions: Int
    /// Of one owner.
    package var sessionsPerOwner: Int
    /// Of one checkpoint.
    package var checkpointBytes: Int
    /// Of all checkpoints that are kept.
    package var totalBytes: Int

    package init(
        sessions: Int = 10_000,
        sessionsPerOwner: Int = 10_000,
        checkpointBytes: Int = 8 << 20,
        totalBytes: Int = 1 << 30
    ) {
        self.sessions = sessions
        self.sessionsPerOwner = sessionsPerOwner
        self.checkpointBytes = checkpointBytes
        self.totalBytes = totalBytes
    }
}

/// A session's state as a worker has given it: plain data.
package struct Checkpoint: Sendable, Equatable {
    /// After how many of the session's calls it was taken.
    package var version: Int
    package var state: Value
    /// How much room it takes.
    package var bytes: Int
    /// What could not be saved, by name.
    package var missing: [String]

    package init(version: Int, state: Value, bytes: Int, missing: [String] = []) {
        self.version = version
        self.state = state
        self.bytes = bytes
        self.missing = missing
    }
}

/// What a worker needs to have a session that it does not have yet.
package struct Rehydration: Sendable, Equatable {
    /// What the session was begun with.
    package var spec: Value
    /// Its last checkpoint; nil for none, so that it begins anew.
    package var checkpoint: Checkpoint?
}

/// Why a session does not do what it was asked.
package enum SessionRefusal: Error, Sendable, Equatable {
    /// There is none of that name, or none any more.
    case unknown
    /// There is one of that name already.
    case exists
    /// It is another owner's.
    case foreign
    /// Somebody has it to himself.
    case taken
    /// It is not checked out, or by somebody else.
    case notTaken
    /// It must be idle for that, and has calls.
    case busy(calls: Int)
    /// As many sessions are there as may be.
    case full(limit: Int)
    case fullOfOwner(limit: Int)
    /// What it was to keep is too large.
    case tooLarge(bytes: Int, limit: Int)
}

/// One session and no other, also where a later one is given the same name.
package struct SessionKey: Sendable, Hashable {
    package let name: String
    let number: UInt64
}

/// What the pool's shell is to do for sessions.
package enum SessionAction: Sendable, Equatable {
    /// Ask the worker for the session's state, as it is after so many calls.
    case checkpoint(SessionKey, at: WorkerID, version: Int)
    /// Tell the worker that it need not keep the session any more.
    case forget(SessionKey, at: WorkerID)
    /// Tell whoever watches that the calls since the last checkpoint are not in the session's state
    /// any more.
    case lost(SessionKey, calls: Int)
    /// The session is over, and what is stored of it is to go.
    case ended(SessionKey)
}
