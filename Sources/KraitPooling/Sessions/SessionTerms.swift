/// How a session is kept; said when it is begun.
package struct SessionTerms: Sendable, Equatable {
    /// Where its calls may go.
    package enum Affinity: String, Sendable, CaseIterable {
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
        timeToLive: Duration = .seconds(86_400)
    ) {
        self.affinity = affinity
        self.checkpoints = checkpoints
        self.timeToLive = timeToLive
    }
}

/// What an orchestrator's sessions may come to.
package struct SessionLimits: Sendable, Equatable {
    package var sessions: Int
    /// Of one owner.
    package var sessionsPerOwner: Int

    package init(sessions: Int = 100_000, sessionsPerOwner: Int = 100_000) {
        self.sessions = sessions
        self.sessionsPerOwner = sessionsPerOwner
    }
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
}

/// One session and no other, also where a later one is given the same name.
package struct SessionKey: Sendable, Hashable {
    package let name: String
    package let number: UInt64

    package init(name: String, number: UInt64) {
        self.name = name
        self.number = number
    }
}
