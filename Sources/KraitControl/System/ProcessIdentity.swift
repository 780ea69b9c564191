import Glibc

/// A process that cannot be mistaken for a later one of the same number: its id and start time.
package struct ProcessIdentity: Hashable, Sendable {
    package let pid: Int32
    /// In clock ticks since the machine started: field 22 of `/proc/PID/stat`.
    package let started: UInt64

    /// This process.
    package static let current = ProcessIdentity(
        pid: getpid(),
        started: startTime(of: getpid()) ?? 0
    )

    /// The process of that id; nil where there is none.
    package static func of(_ pid: Int32) -> ProcessIdentity? {
        startTime(of: pid).map { ProcessIdentity(pid: pid, started: $0) }
    }

    /// Whether the process is there; one that has ended and waits for its parent is not.
    package var isAlive: Bool { Self.startTime(of: pid) == started }

    /// When the process of that id started; nil where there is none, or a zombie.
    private static func startTime(of pid: Int32) -> UInt64? {
        guard let bytes = try? readFile("/proc/\(pid)/stat", limit: 4_096),
            // The name, in parentheses, may hold blanks and parentheses itself.
            let nameEnd = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: bytes[(nameEnd + 1)...], as: UTF8.self)
            .split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }
}
