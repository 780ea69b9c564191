import Glibc

/// The name of something on disk that belongs to a run of a process, and to nobody once that is
/// gone: `krait-UID-PID-TICKS-RANDOM`.
///
/// Folders of sockets in the temporary folder have such names, and shared memory in `/dev/shm`. Who
/// makes one keeps an advisory lock on it (`flock`) for as long as it is in use: where several
/// process namespaces share a folder, the numbers alone could be another's.
package struct RunName: Sendable, Hashable {
    package var user: uid_t
    package var owner: ProcessStamp
    package var random: String

    /// A new name for something of this process.
    package init() {
        user = geteuid()
        owner = .current
        random = String(UInt64.random(in: .min ... .max), radix: 16)
    }

    /// Reads a name; nil for whatever is not exactly of its form.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "krait", let id = pid_t(digits: parts[2]),
            let user = parts[1] == "0" ? 0 : uid_t(digits: parts[1]),
            let ticks = Int(digits: parts[3]), (1...16).contains(parts[4].utf8.count),
            UInt64(parts[4], radix: 16) != nil, !parts[4].hasPrefix("+")
        else { return nil }
        self.user = user
        owner = ProcessStamp(id: id, startTicks: ticks)
        random = String(parts[4])
    }

    package var text: String { "krait-\(user)-\(owner.id)-\(owner.startTicks)-\(random)" }
}
