import Krait
import KraitWire

// The control protocol, version 1: what `krait` commands and the running daemon say to each other,
// line by line. Its one definition is the page *ControlProtocol*.

/// A request as a daemon reads it.
enum ControlRequest: Sendable {
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

    static let protocolVersion = 1
}

/// A change of a pool while it serves.
struct SteeringRequest: Sendable, Equatable {
    enum Change: Sendable, Equatable {
        case resize(Int)
        /// Nil leaves the time to the daemon's drain timeout.
        case drain(within: Duration?)
        case resume
        case recycle
    }

    var pool: String
    var change: Change
    /// Whether the answer comes only when the change is complete.
    var waiting = true

    /// The verb on the socket and on the command line.
    var verb: String {
        switch change {
        case .resize: "resize"
        case .drain: "drain"
        case .resume: "resume"
        case .recycle: "recycle"
        }
    }
}

/// Why a request was refused or failed, as it travels.
struct ControlFailure: Error, Sendable, Equatable {
    let code: String
    let message: String
    /// Where it is a call's own error.
    let callError: CallError?

    init(code: String, message: String) {
        self.code = code
        self.message = message
        callError = nil
    }

    init(_ error: CallError) {
        code = error.code.rawValue
        message = error.message
        callError = error
    }

    static func malformed(_ reason: String) -> ControlFailure {
        ControlFailure(code: "malformed_request", message: reason)
    }

    static func forbidden(_ reason: String) -> ControlFailure {
        ControlFailure(code: "forbidden", message: reason)
    }

    static func failed(_ reason: String) -> ControlFailure {
        ControlFailure(code: "failed", message: reason)
    }

    /// The codes that are no call's: those of the makers above.
    static let ownCodes = [malformed(""), forbidden(""), failed("")].map(\.code)
}
