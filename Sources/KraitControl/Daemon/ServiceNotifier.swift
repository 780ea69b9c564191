import Glibc

/// The way to the service manager that started this process, where one did and wants to hear of it:
/// systemd, or whatever speaks its `sd_notify` protocol (datagrams of `NAME=value` lines).
///
/// Telling is best effort: a manager that is gone or does not read is no trouble of the daemon's.
package struct ServiceNotifier: Sendable, Equatable {
    /// What can be told.
    package enum Notice: Sendable, Equatable {
        case ready
        case stopping
        /// The daemon is alive, and has just been seen to be.
        case watchdog
        /// A line for people, as `systemctl status` shows it.
        case status(String)

        fileprivate var line: String {
            switch self {
            case .ready: "READY=1"
            case .stopping: "STOPPING=1"
            case .watchdog: "WATCHDOG=1"
            // A line break would begin another notice.
            case .status(let text): "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
            }
        }
    }

    /// A path, or `@` and a name of the abstract kind.
    private let socket: String
    /// How often it wants to hear that the daemon is alive; nil for never.
    package let watchdogInterval: Duration?

    /// The variables that tell of a manager; they are for this process alone, and not for what it
    /// starts.
    package static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

    /// The manager that the environment names; nil where it names none.
    package init?(environment: [String: String], process: pid_t = getpid()) {
        guard let socket = environment["NOTIFY_SOCKET"], socket.count > 1,
            socket.hasPrefix("/") || socket.hasPrefix("@")
        else { return nil }
        self.socket = socket
        // Meant for another process where the variable was passed on by one.
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        watchdogInterval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap {
            // Half of the time that it waits, as it asks for.
            $0 > 1 && isMeant ? .microseconds($0 / 2) : nil
        }
    }

    /// Tells the manager, in one datagram, and does not wait for it.
    ///
    /// - Returns: whether it was taken.
    @discardableResult
    package func notify(_ notices: Notice...) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(socket.utf8)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        // The abstract kind begins with a null byte, and ends with its length.
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard let sender = try? Descriptor(Glibc.socket(AF_UNIX, type, 0), "make a socket") else {
            return false
        }
        let isAbstract = path[0] == 0
        let head = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
        let length = socklen_t(head + path.count + (isAbstract ? 0 : 1))
        let text = Array(notices.map(\.line).joined(separator: "\n").utf8)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
                return sendto(sender.number, text, text.count, flags, address, length)
                    == text.count
            }
        }
    }
}
