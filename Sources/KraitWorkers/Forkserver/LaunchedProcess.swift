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
        if let present = ProcessStamp(id), present.startTicks != startTicks { return }
        kill(-id, SIGKILL)
    }
}
