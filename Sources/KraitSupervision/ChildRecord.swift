/// What a supervisor knows of one of its children.
package struct ChildRecord: Sendable, Equatable {
    package let id: ChildID
    package let restart: Restart
    package internal(set) var state = ChildState.waiting
    /// How often it was started.
    package internal(set) var starts = 0
    /// Whether it has said so, at this start or an earlier one.
    var hasStarted = false
    /// Whether it is being stopped because it did not say so in time.
    var isOverdue = false

    /// How often it was started again.
    package var restarts: Int { max(0, starts - 1) }

    /// The reasons of failures that no error tells.
    static let overdue = "it did not say in time that it had started"
    static let returned = "it returned"
    static let shutDown = "it stopped, though nobody had asked it to"

    init(id: ChildID, restart: Restart) {
        self.id = id
        self.restart = restart
    }
}

/// Where a child is.
package enum ChildState: String, Sendable, Hashable {
    /// To be started when its turn comes; → starting, ended.
    case waiting
    /// → running, stopping, waiting (again), ended.
    case starting
    /// → stopping, waiting, ended, starting (one for one).
    case running
    /// Cancelled; → waiting, ended, unresponsive, starting (one for one).
    case stopping
    /// Cancelled, and still there after its shutdown time; → ended.
    case unresponsive
    /// Not there; → waiting, where its siblings are restarted and it is not temporary.
    case ended
}

/// How a child ended.
package enum ChildExit: Sendable, Equatable {
    /// It returned: OTP's `normal`.
    case finished
    /// It threw a `CancellationError` that its supervisor had not caused: OTP's `shutdown`.
    case shutDown
    /// It threw: any other reason of OTP's, `killed` included.
    case failed(String)
    /// A supervisor that failed and left unresponsive children behind; never restarted.
    case abandoned(String)
}

/// What a supervisor is to do; at most one thing for each thing that happens.
package enum SupervisorAction: Sendable, Equatable {
    case none
    case start(ChildID)
    /// Cancel it; the child's exit or the passing of its shutdown time follows.
    case stop(ChildID)
    /// Nothing is left to be done, ever.
    case finish(SupervisorOutcome)
}

/// How a supervisor ended.
package struct SupervisorOutcome: Sendable, Equatable {
    package let reason: Reason
    /// Children that did not stop in time, or that have such children.
    package let unresponsive: [ChildID]

    package init(_ reason: Reason, unresponsive: [ChildID] = []) {
        self.reason = reason
        self.unresponsive = unresponsive
    }

    /// Why everything was stopped.
    package enum Reason: Sendable, Equatable {
        case requested
        /// The child could not be started when the supervisor was.
        case startFailed(ChildID, String)
        /// The child failed once more than the restart intensity allows.
        case tooManyRestarts(ChildID, String)
        /// The child was to be restarted and did not stop.
        case unresponsive(ChildID)
    }
}

/// Why a supervisor failed; its own supervisor decides what next.
package struct SupervisorError: Error, Sendable, Equatable, CustomStringConvertible {
    package let supervisor: ChildID
    package let outcome: SupervisorOutcome

    package var description: String {
        var text =
            switch outcome.reason {
            case .requested: "supervisor \(supervisor) was asked to stop"
            case .startFailed(let child, let reason):
                "supervisor \(supervisor) could not start \(child): \(reason)"
            case .tooManyRestarts(let child, let reason):
                "supervisor \(supervisor) gave up after too many restarts, \(child) last: \(reason)"
            case .unresponsive(let child):
                "supervisor \(supervisor) could not restart \(child)"
            }
        if !outcome.unresponsive.isEmpty {
            let names = outcome.unresponsive.map(\.name).joined(separator: ", ")
            text += "; still running though cancelled: \(names); end the process"
        }
        return text
    }
}
