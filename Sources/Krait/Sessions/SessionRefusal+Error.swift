import KraitPooling
import KraitSignatures
import KraitWire

extension SessionRefusal {
    /// The error callers see: which session, what is wrong, and what to do.
    func error(
        of name: String,
        among names: some Sequence<String> = [String]()
    ) -> CallError {
        let session = "the session `\(name.prefix(80))`"
        switch self {
        case .unknown:
            let near = NearestName.find(name, among: names).map { "did you mean `\($0)`? " } ?? ""
            return CallError(
                .unknownSession,
                "there is no session `\(name.prefix(80))`, or it was not used for its time; "
                    + near + "`krait sessions list` shows those there are"
            )
        case .exists:
            return CallError(
                .sessionTaken,
                "\(session) has begun already; use it as it is, end it, or take another name"
            )
        case .foreign:
            return CallError(
                .sessionTaken,
                "\(session) belongs to another caller; name that one (`options.caller`, --caller), "
                    + "or begin one of your own"
            )
        case .taken:
            return CallError(
                .sessionTaken,
                "somebody has \(session) to himself; try again when it is given back"
            )
        case .notTaken:
            return CallError(
                .sessionTaken,
                "\(session) is not checked out by this caller, or no longer; check it out again"
            )
        case .busy(let calls):
            return CallError(
                .sessionTaken,
                "\(session) has \(calls) calls under way; check it out when they have ended"
            )
        case .full(let limit):
            return CallError(
                .sessionsFull,
                "there are \(limit) sessions already; end some, or raise the limit of sessions"
            )
        case .fullOfOwner(let limit):
            return CallError(
                .sessionsFull,
                "the caller has \(limit) sessions already; end some, or raise the limit for one"
            )
        }
    }
}
