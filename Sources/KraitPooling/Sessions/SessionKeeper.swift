import KraitWire

/// What a pool goes by for a call of a session.
package struct SessionCall: Sendable, Equatable {
    /// The session's; another session of its name has another.
    package var number: UInt64
    /// After how many answers the state was taken that the call brings to a new home; nil where it
    /// brings none.
    package var loaded: Int?
    /// Whether its answer changes the session's state.
    package var changes: Bool
    /// Whether its answer brings that state.
    package var saves: Bool
    /// Whether the session may move to a free worker where its home is busy.
    package var mayMove: Bool
    /// Whether the pool makes it itself, to have the state of a worker that leaves.
    var isErrand = false
    /// Whether it is the one that makes the home with the state it brings.
    var makesHome = false

    package init(
        number: UInt64,
        loaded: Int? = nil,
        changes: Bool = true,
        saves: Bool = false,
        mayMove: Bool = false
    ) {
        self.number = number
        self.loaded = loaded
        self.changes = changes
        self.saves = saves
        self.mayMove = mayMove
    }
}

/// A call as it is sent to a worker that has its session; other calls of its kind bring the state.
package struct BareCall: Sendable {
    package var bytes: [UInt8]
    package var attachments: [any SharedBytes]

    package init(_ bytes: [UInt8], _ attachments: [any SharedBytes]) {
        self.bytes = bytes
        self.attachments = attachments
    }
}

/// An answer that has changed a session's state.
package struct SessionAnswer: Sendable, Equatable {
    package var number: UInt64
    /// How many answers have by now.
    package var answers: Int
    /// Whether it brings the state.
    package var isSaved: Bool
}

/// Who keeps what sessions know: called on the pool's executor, and never blocks.
package protocol SessionKeeper: AnyObject, Sendable {
    /// An answer has changed a session's state; told before its caller can know of it, and in the
    /// order of the answers.
    func changed(_ change: SessionAnswer, by answer: ReceivedEnvelope)

    /// The call that asks a worker for a session's state; nil where the session is over.
    func saveCall(of number: UInt64) -> [UInt8]?
}
