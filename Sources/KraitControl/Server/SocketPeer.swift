import Glibc

/// Who is at the other end of a stream socket, as the kernel noted it when they connected.
package struct SocketPeer: Equatable, Sendable {
    package let pid: pid_t
    package let user: uid_t

    package init(pid: pid_t, user: uid_t) {
        self.pid = pid
        self.user = user
    }

    /// The peer of a connected socket; nil where the kernel does not say, which admits nobody.
    package init?(of socket: borrowing Descriptor) {
        var credentials = Credentials()
        var size = socklen_t(MemoryLayout<Credentials>.size)
        guard getsockopt(socket.number, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0,
            size == socklen_t(MemoryLayout<Credentials>.size)
        else { return nil }
        self.init(pid: credentials.process, user: credentials.user)
    }

    /// The kernel's `struct ucred`, which Swift's Glibc does not show.
    private struct Credentials {
        var process = pid_t(0)
        var user = uid_t.max
        var group = gid_t.max
    }

    /// Whether it may tell a daemon of `user` what to do: that user, and root, who could anyway.
    package func mayCommand(daemonOf user: uid_t) -> Bool {
        self.user == user || self.user == 0
    }

    /// Whether `user` may entrust a call to it: the user's own daemon, or one of root.
    ///
    /// Root may besides choose another user's daemon by naming its run directory.
    package func isTrusted(by user: uid_t, wasChosen: Bool) -> Bool {
        self.user == user || self.user == 0 || (user == 0 && wasChosen)
    }
}
