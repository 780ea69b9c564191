import Glibc

/// What the reaper may touch, decided from what it saw: no process, file or clock is looked at
/// here.
package enum ReaperDecision {
    /// A process that carries a run's mark.
    package struct MarkedProcess: Sendable, Hashable {
        package var process: ProcessStamp
        package var mark: RunMark

        package init(process: ProcessStamp, mark: RunMark) {
            self.process = process
            self.mark = mark
        }
    }

    /// Which processes are to end.
    package enum Aim: Sendable, Equatable {
        /// Those of runs whose owner is gone.
        case deadRuns
        /// Those of a run that is over, though its owner lives.
        case run(RunMark)
    }

    /// Whether a process is to be killed.
    ///
    /// - Parameters:
    ///   - itself: the process that asks, which never is.
    ///   - isAlive: whether that very process runs.
    package static func isDoomed(
        _ process: MarkedProcess,
        aim: Aim,
        itself: ProcessStamp,
        isAlive: (ProcessStamp) -> Bool
    ) -> Bool {
        guard process.process != itself, process.process.id > 1 else { return false }
        switch aim {
        case .deadRuns: return process.mark.owner != itself && !isAlive(process.mark.owner)
        case .run(let mark): return process.mark == mark
        }
    }

    /// Whether something of that name in a folder may be removed.
    package static func isLeft(
        _ name: RunName,
        user: uid_t,
        itself: ProcessStamp,
        isAlive: (ProcessStamp) -> Bool
    ) -> Bool {
        name.user == user && name.owner != itself && !isAlive(name.owner)
    }
}
