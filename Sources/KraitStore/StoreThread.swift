import CProcessSupport
import Glibc
import KraitObservability

/// The one thread of a database: waiting for a disk is not for the threads that tasks share.
final class StoreThread: SerialExecutor {
    private struct Inbox {
        var jobs: [UnownedJob] = []
        var isStopped = false
    }

    private let inbox = Lock(Inbox())
    private let waking: Int32

    /// Nil where the system has no descriptor or no thread to give.
    init?() {
        waking = krait_eventfd()
        guard waking >= 0 else { return nil }
        guard DedicatedThread.start("krait-store", { self.live() }) == 0 else { return nil }
    }

    deinit { if waking >= 0 { close(waking) } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        leave { $0.jobs.append(job) }
    }

    /// Ends the thread once it has done what it was given.
    func stop() { leave { $0.isStopped = true } }

    private func leave(_ change: (inout Inbox) -> Void) {
        inbox.withLock(change)
        var one: UInt64 = 1
        _ = write(waking, &one, MemoryLayout<UInt64>.size)
    }

    private func live() {
        var polled = pollfd(fd: waking, events: Int16(POLLIN), revents: 0)
        while true {
            let (jobs, isStopped) = inbox.withLock { inbox in
                defer { inbox.jobs = [] }
                return (inbox.jobs, inbox.isStopped)
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            if jobs.isEmpty {
                if isStopped { return }
                poll(&polled, 1, -1)
                var count: UInt64 = 0
                _ = read(waking, &count, MemoryLayout<UInt64>.size)
            }
        }
    }
}
