import Glibc

/// A worker's process as the forkserver reports it.
package struct LaunchedProcess: Sendable, Equatable {
    /// Its id, and that of its session and group.
    package var id: pid_t
    /// When it started, in clock ticks since boot: with its id it is never mistaken.
    package var startTicks: Int

    /// Kills what is left of its group, after the process itself has ended unseen.
    ///
    /// As long as the group has a member the kernel gives its number to nobody else; where it has
    /// none and the number is another process's by now, nothing happens.
    func killGroup() {
        if let present = Self.startTicks(of: id), present != startTicks { return }
        kill(-id, SIGKILL)
    }

    /// When the process of that number started; nil where there is none.
    static func startTicks(of id: pid_t) -> Int? {
        guard let file = fopen("/proc/\(id)/stat", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        // The name in the second field may hold anything, so fields are counted from its end.
        guard let end = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 19 else { return nil }
        return Int(String(decoding: fields[19], as: UTF8.self))
    }
}
