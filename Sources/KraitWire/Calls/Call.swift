/// One thing asked for: an operation, its arguments and how it is to be carried out.
public struct Call: Sendable {
    /// The operation's name, such as `predict`.
    public var operation: String
    /// The operation's arguments by name.
    public var arguments: ValueMap
    /// How it is to be carried out.
    public var options: CallOptions
    /// What passes before its end, where it streams or has tools.
    package var flow: (any CallFlow)?

    /// A call of the operation with this name.
    public init(
        _ operation: String,
        _ arguments: ValueMap = [:],
        options: CallOptions = CallOptions()
    ) {
        self.operation = operation
        self.arguments = arguments
        self.options = options
    }
}

/// How a call is to be carried out.
///
/// The defaults suit most calls.
public struct CallOptions: Sendable, Equatable {
    /// Where the call runs; `.automatic` leaves it to the router's policy.
    public var route: RouteChoice
    /// How long the caller waits in all, time in queues included; nil takes the pool's.
    public var timeout: Duration?
    /// Whether the call may be made twice without harm: only then is it ever retried.
    public var isIdempotent: Bool
    /// Which calls go first where calls wait.
    public var priority: CallPriority
    /// Who calls, such as a tenant: callers are served in turn, and each has a rate of its own.
    public var caller: String?
    /// The session the call belongs to, if any.
    public var session: String?
    /// LM settings laid over the pool's for this call alone.
    public var lm: ValueMap?
    /// The body's codec; nil takes the pool's.
    public var codec: Codec?
    /// What shows that the session is checked out by whoever calls.
    package var checkOut: UInt64?

    /// Options that differ from the defaults where they are given.
    public init(
        route: RouteChoice = .automatic,
        timeout: Duration? = nil,
        isIdempotent: Bool = false,
        priority: CallPriority = .normal,
        caller: String? = nil,
        session: String? = nil,
        lm: ValueMap? = nil,
        codec: Codec? = nil
    ) {
        self.route = route
        self.timeout = timeout
        self.isIdempotent = isIdempotent
        self.priority = priority
        self.caller = caller
        self.session = session
        self.lm = lm
        self.codec = codec
    }
}

/// Where a call is to run.
public enum RouteChoice: Sendable, Hashable {
    /// As the router's policy decides.
    case automatic
    /// In Swift, or not at all.
    case native
    /// On the named pool, or not at all.
    case pool(String)
}

/// How urgent a call is where calls wait for a worker.
public enum CallPriority: Int, Sendable, Hashable, CaseIterable {
    /// What can wait: such as batch runs.
    case low
    /// What nobody said anything of.
    case normal
    /// What somebody waits for at this moment.
    case high

    /// The word in requests and options.
    public var name: String {
        switch self {
        case .low: "low"
        case .normal: "normal"
        case .high: "high"
        }
    }
}
