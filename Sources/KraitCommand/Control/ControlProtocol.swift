import Krait
import KraitWire

// The control protocol, version 1: what `krait` commands and the running daemon say to each other.
//
// A stream socket in the daemon's run directory, `control.sock`. Each line is one JSON object (JSON
// as in *Worker protocol*: bytes, times and non-finite floats have `$` forms), at most 64 MiB.
// A client sends requests, and the daemon answers each with one line, in any order:
//
//     {"id": 1, "verb": "call", "operation": "predict", "arguments": {…}, "options": {…}}
//     {"id": 1, "ok": {"value": …, "source": {…}, "seconds": 0.012}}
//     {"id": 1, "error": {"code": "unknown_operation", "message": "…", …}}
//
// `id` is the client's: any JSON value, given back as it came, null where a line had none to read.
//
// | verb | keys beside `id` | `ok` |
// |---|---|---|
// | `ping` | | `{"protocol", "pid", "started", "run", "name", "version"}` |
// | `status` | | the status of DESIGN §11 |
// | `call` | `operation`, `arguments`, `options` | `{"value", "source", "seconds"}` |
// | `explain` | `operation` | which route a call of it would take |
// | `resize` | `pool`, `workers`, `wait` | the pool's status |
// | `drain` | `pool`, `within_ms`, `wait` | the pool's status |
// | `resume` | `pool`, `wait` | the pool's status |
// | `recycle` | `pool`, `wait` | the pool's status |
// | `stop` | `now` (false: finish what runs first) | the answer of `ping`; the daemon then ends |
//
// `wait` (true unless given): answer only when the change is complete. A change goes on when its
// client goes away. `within_ms` is how long a drained pool's calls may take while somebody waits.
//
// `options`: `on` (`"native"` or a pool), `timeout_ms`, `idempotent`, `codec` (`json`, `msgpack`),
// `session`, `lm`. A key that is not known is refused, in a request as in its options.
//
// Only the daemon's own user and root are served: the kernel says who connects, and another gets
// one line, the error `forbidden`, and is sent away.
//
// Error codes are those of calls (`CallError.Code`) and `malformed_request`, `failed`, `forbidden`.
// A client that goes away cancels its calls; one that only ends its own direction is still
// answered.

/// A request as a daemon reads it.
enum ControlRequest: Sendable {
    case ping
    case status
    case call(Call)
    case explain(operation: String)
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
