import Glibc

/// The folder of one daemon: where its sockets, its record and its log are.
///
/// Only its owner can enter it (0700), so what listens there needs no other guard. It is there
/// while the daemon is, and nothing of it remains afterwards.
package struct RunDirectory: Sendable, Equatable {
    /// The folder of all of a user's daemons.
    package let base: String
    /// The daemon's name.
    package let name: String
    /// Whether `base` is the user's usual place, as opposed to one that somebody chose: only the
    /// former is removed when it is empty.
    package let isUsual: Bool

    /// The variable that chooses another base, for a whole shell session.
    package static let variable = "KRAIT_RUN_DIRECTORY"
    /// Where everybody can make a folder, and nobody remove another's.
    package static let common = "/tmp"
    /// What a socket's path may have: `sun_path` is 108 bytes with the null at its end.
    package static let maximumSocketPath = 107

    package var path: String { "\(base)/\(name)" }
    package var controlSocket: String { "\(path)/control.sock" }
    package var routerSocket: String { "\(path)/router.sock" }
    package var record: String { "\(path)/daemon.json" }
    package var log: String { "\(path)/daemon.log" }

    /// Finds the folder of the daemon of a name; whether it exists is not looked at.
    ///
    /// The base is `chosen`, else what `KRAIT_RUN_DIRECTORY` says, else `$XDG_RUNTIME_DIR/krait`
    /// where that is a folder of the user's that can be written, else `krait-UID` in `/tmp`.
    package init(
        name: String,
        chosen: String?,
        environment: [String: String],
        user: uid_t = geteuid()
    ) throws(RunDirectoryError) {
        self.name = name
        let chosen = chosen ?? environment[Self.variable].flatMap { $0.isEmpty ? nil : $0 }
        isUsual = chosen == nil
        if let chosen {
            base = chosen
        } else if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"),
            Self.isWritableFolder(runtime, of: user)
        {
            base = "\(runtime)/krait"
        } else {
            base = "\(Self.common)/krait-\(user)"
        }
        guard controlSocket.utf8.count <= Self.maximumSocketPath else {
            throw .pathTooLong(controlSocket)
        }
    }

    /// Where the daemon keeps what outlives it: `$XDG_STATE_HOME/krait/NAME`, else
    /// `~/.local/state/krait/NAME`; beside the folder itself where somebody chose that.
    package func stateFolder(environment: [String: String]) -> String {
        let beside = "\(base)/\(name).state"
        guard isUsual else { return beside }
        if let states = environment["XDG_STATE_HOME"], states.hasPrefix("/") {
            return "\(states)/krait/\(name)"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return beside }
        return "\(home)/.local/state/krait/\(name)"
    }

    private static func isWritableFolder(_ path: String, of user: uid_t) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            && status.st_uid == user && access(path, W_OK | X_OK) == 0
    }

    /// The names of the daemons of this base that are alive, for a hint to somebody who asked for
    /// another.
    package func neighbours() -> [String] {
        guard let names = try? Self.entries(of: base) else { return [] }
        return names.prefix(100).filter { neighbour in
            let path = "\(base)/\(neighbour)/daemon.json"
            return neighbour != name && DaemonRecord(file: path)?.identity.isAlive == true
        }.sorted()
    }

    package static func entries(of path: String) throws(SystemError) -> [String] {
        guard let folder = opendir(path) else { throw SystemError("list \(path)") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// Why a run directory cannot be used.
package enum RunDirectoryError: Error, Equatable, CustomStringConvertible {
    case alreadyRunning(name: String, pid: Int32?)
    case pathTooLong(String)
    /// Something is at the path that may not be trusted; `reason` follows the path.
    case unsafe(path: String, reason: String)
    case failed(SystemError)

    package var description: String {
        switch self {
        case .alreadyRunning(let name, let pid):
            let process = pid.map { "pid \($0)" } ?? "just starting"
            return "a daemon named \(name) is already running (\(process)); stop it with "
                + "`krait stop --name \(name)`, or start this one under another --name"
        case .pathTooLong(let path):
            return "the socket's path \(path) has \(path.utf8.count) bytes, and the system allows "
                + "\(RunDirectory.maximumSocketPath); choose a shorter --name or --run-directory"
        case .unsafe(let path, let reason):
            return "\(path) \(reason); remove it, or choose another --run-directory"
        case .failed(let error):
            return error.description
        }
    }
}
