import KraitLM
import KraitWire

// The control protocol, version 1: what `krait` commands and the running daemon say to each other,
// line by line. Its one definition is the page *ControlProtocol*.

/// A request as a daemon reads it.
package enum ControlRequest: Sendable {
    case ping
    case status
    case call(Call)
    case stream(Call)
    /// Ends the calls and streams of this client that have this id.
    case cancel(Value)
    case explain(operation: String)
    /// The ledger of language models: sums by a grouping, and so many of the latest calls.
    case lm(by: LMLedger.Grouping, last: Int)
    case steer(SteeringRequest)
    case stop(now: Bool)
    case run(RunRequest)
    /// All pipelines, or the plan of one.
    case pipelines(plan: String?)
    /// The latest runs of pipelines, or the whole of one.
    case runs(number: Int?)
    /// All sessions, those of a pool, or the one of a name.
    case sessions(id: String?, pool: String?)

    package static let protocolVersion = 1
}

/// A change of a pool while it serves.
package struct SteeringRequest: Sendable, Equatable {
    package enum Change: Sendable, Equatable {
        case resize(Int)
        /// Nil leaves the time to the daemon's drain timeout.
        case drain(within: Duration?)
        case resume
        case recycle
    }

    package var pool: String
    package var change: Change
    /// Whether the answer comes only when the change is complete.
    package var waiting = true

    package init(pool: String, change: Change, waiting: Bool = true) {
        self.pool = pool
        self.change = change
        self.waiting = waiting
    }

    /// The verb on the socket and on the command line.
    package var verb: String {
        switch change {
        case .resize: "resize"
        case .drain: "drain"
        case .resume: "resume"
        case .recycle: "recycle"
        }
    }
}

/// A run of a pipeline by its name.
package struct RunRequest: Sendable {
    package var pipeline: String
    package var input: Value
    /// What its calls start from; the timeout is the whole run's.
    package var options: CallOptions
    /// Whether what the last step streams comes before the answer.
    package var isStreaming: Bool
    /// Whether the answer has each step.
    package var isTraced: Bool

    package init(
        _ pipeline: String,
        _ input: Value,
        options: CallOptions = CallOptions(),
        isStreaming: Bool = false,
        isTraced: Bool = false
    ) {
        self.pipeline = pipeline
        self.input = input
        self.options = options
        self.isStreaming = isStreaming
        self.isTraced = isTraced
    }
}

/// Why a request was refused or failed, as it travels.
package struct ControlFailure: Error, Sendable, Equatable {
    package let code: String
    package let message: String
    /// Where it is a call's own error.
    package let callError: CallError?
    /// What is told of a pipeline's run that failed: how far it came, and what it gave until then.
    package let run: Value?

    package init(code: String, message: String) {
        self.code = code
        self.message = message
        callError = nil
        run = nil
    }

    package init(_ error: CallError, run: Value? = nil) {
        code = error.code.rawValue
        message = error.message
        callError = error
        self.run = run
    }

    package static func malformed(_ reason: String) -> ControlFailure {
        ControlFailure(code: "malformed_request", message: reason)
    }

    package static func forbidden(_ reason: String) -> ControlFailure {
        ControlFailure(code: "forbidden", message: reason)
    }

    package static func failed(_ reason: String) -> ControlFailure {
        ControlFailure(code: "failed", message: reason)
    }

    /// The codes that are no call's: those of the makers above.
    package static let ownCodes = [malformed(""), forbidden(""), failed("")].map(\.code)
}
