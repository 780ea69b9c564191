import Glibc
import KraitWire

/// A run directory that belongs to this process, until `remove()` or the process's end.
///
/// A lock on the folder itself says so (the kernel lets go of it however the process ends); the
/// record's process id and start time say so where the file system has no locks.
package struct ClaimedRunDirectory: ~Copyable, Sendable {
    package let directory: RunDirectory
    private let lock: Descriptor

    /// Makes the folder, or takes over that of a daemon that has died.
    ///
    /// - Throws: `.alreadyRunning` where a daemon is alive in it, `.unsafe` where the folder or
    ///   its base is a link, is not the user's, or can be written by others.
    package init(_ directory: RunDirectory, user: uid_t = geteuid()) throws(RunDirectoryError) {
        self.directory = directory
        lock = try Self.claim(directory, user: user)
    }

    private static func claim(
        _ directory: RunDirectory,
        user: uid_t
    ) throws(RunDirectoryError) -> Descriptor {
        try checkAncestors(of: directory.base, user: user)
        // A daemon that stops may remove the folder between any two of these steps.
        for _ in 0..<100 {
            guard let base = try open(directory.base, user: user, isBase: true),
                let folder = try open(directory.path, user: user, isBase: false)
            else { continue }
            _ = base.number
            if flock(folder.number, LOCK_EX | LOCK_NB) != 0 {
                guard errno == EWOULDBLOCK else {
                    throw .failed(SystemError("lock \(directory.path)"))
                }
                let pid = DaemonRecord(file: directory.record)?.identity.pid
                throw .alreadyRunning(name: directory.name, pid: pid)
            }
            var locked = stat()
            var present = stat()
            guard fstat(folder.number, &locked) == 0, lstat(directory.path, &present) == 0,
                locked.st_ino == present.st_ino, locked.st_dev == present.st_dev
            else { continue }
            if let other = DaemonRecord(file: directory.record)?.identity,
                other != .current, other.isAlive
            {
                throw .alreadyRunning(name: directory.name, pid: other.pid)
            }
            do throws(SystemError) {
                try clear(directory, keepingLogs: true)
            } catch {
                throw .failed(error)
            }
            return folder
        }
        throw .failed(SystemError("claim \(directory.path)", code: EAGAIN))
    }

    /// Makes and opens a folder, and checks what was opened; nil where it has vanished again.
    private static func open(
        _ path: String,
        user: uid_t,
        isBase: Bool
    ) throws(RunDirectoryError) -> Descriptor? {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            if errno == ENOENT, !isBase { return nil }
            throw .failed(SystemError("make the folder \(path)"))
        }
        let number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else {
            switch errno {
            case ENOENT: return nil
            case ELOOP, ENOTDIR:
                throw .unsafe(path: path, reason: "is a link or a file where a folder must be")
            default: throw .failed(SystemError("open \(path)"))
            }
        }
        let folder = Descriptor(owning: number)
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .failed(SystemError("look at \(path)")) }
        try check(status, of: path, user: user, isBase: isBase)
        return folder
    }

    /// Refuses a base below a folder of which another user could take it away and put up his own.
    ///
    /// Links on the way are followed first; a folder that is not there yet is not made here.
    private static func checkAncestors(
        of base: String,
        user: uid_t
    ) throws(RunDirectoryError) {
        let parent = base.split(separator: "/", omittingEmptySubsequences: true).dropLast()
        let path = (base.hasPrefix("/") ? "/" : "./") + parent.joined(separator: "/")
        guard let resolved = realpath(path, nil) else { return }
        defer { free(resolved) }
        var folder = String(cString: resolved)
        while true {
            var status = stat()
            guard stat(folder, &status) == 0 else {
                throw .failed(SystemError("look at \(folder)"))
            }
            if let reason = Self.danger(in: status, to: user) {
                throw .unsafe(path: folder, reason: reason)
            }
            guard folder != "/" else { return }
            let rest = folder.split(separator: "/").dropLast()
            folder = "/" + rest.joined(separator: "/")
        }
    }

    /// How others could replace what is in a folder above a run directory; nil where they cannot.
    package static func danger(
        in status: stat,
        to user: uid_t,
        group: gid_t = getegid()
    ) -> String? {
        guard status.st_uid == user || status.st_uid == 0 else {
            return "is above the run directory and belongs to another user (\(status.st_uid))"
        }
        // In a sticky folder such as /tmp nobody removes or renames another's.
        if status.st_mode & 0o1000 != 0 { return nil }
        let isOwnGroup = status.st_gid == group || status.st_gid == 0
        guard status.st_mode & (isOwnGroup ? 0o002 : 0o022) == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            return "is above the run directory and can be written by others (mode \(mode))"
        }
        return nil
    }

    private static func check(
        _ status: stat,
        of path: String,
        user: uid_t,
        isBase: Bool
    ) throws(RunDirectoryError) {
        // A base that was chosen may be the system's (/run/krait), even /tmp.
        let isTrusted = status.st_uid == user || (isBase && status.st_uid == 0)
        guard isTrusted else {
            throw .unsafe(path: path, reason: "belongs to another user (\(status.st_uid))")
        }
        let isSticky = status.st_mode & 0o1000 != 0
        let forbidden: mode_t = isBase ? (isSticky ? 0 : 0o022) : 0o077
        guard status.st_mode & forbidden == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            let wanted = isBase ? "written by others" : "entered by others"
            throw .unsafe(path: path, reason: "can be \(wanted) (mode \(mode))")
        }
    }

    /// Writes who this daemon is, for the commands that look for it.
    package func write(_ record: DaemonRecord) throws {
        let temporary = directory.record + ".new"
        let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
        try file.writeAll(Array((try record.value.json() + "\n").utf8))
        guard rename(temporary, directory.record) == 0 else {
            throw SystemError("write \(directory.record)")
        }
    }

    /// Removes the folder and what is in it, or all but the logs, and lets go of it.
    package consuming func remove(keepingLogs: Bool = false) throws(SystemError) {
        try Self.clear(directory, keepingLogs: keepingLogs)
        if keepingLogs, try !RunDirectory.entries(of: directory.path).isEmpty { return }
        guard rmdir(directory.path) == 0 || errno == ENOENT else {
            throw SystemError("remove \(directory.path)")
        }
        // Fails where another daemon of the user's is there, and that is wanted.
        if directory.isUsual { rmdir(directory.base) }
    }

    /// Removes the folder of this process, which ends right afterwards.
    package static func removeAtOnce(_ directory: RunDirectory) {
        try? clear(directory, keepingLogs: false)
        rmdir(directory.path)
        if directory.isUsual { rmdir(directory.base) }
    }

    /// Removes the files and sockets; of a daemon that crashed the log is kept, to be read.
    private static func clear(
        _ directory: RunDirectory,
        keepingLogs: Bool
    ) throws(SystemError) {
        for name in try RunDirectory.entries(of: directory.path) {
            if keepingLogs, name.hasPrefix("daemon.log") { continue }
            let path = "\(directory.path)/\(name)"
            guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove \(path)") }
        }
    }
}

extension RunDirectory {
    /// Removes the folder of a daemon that has ended and could not do so itself.
    package func removeRemains() {
        guard access(path, F_OK) == 0 else { return }
        // Fails where a new daemon has it already, and that is wanted.
        if let claimed = try? ClaimedRunDirectory(self) { try? claimed.remove() }
    }
}
