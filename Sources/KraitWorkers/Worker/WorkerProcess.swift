import CProcessSupport
import Glibc
import KraitZeroMQ

/// A worker's process: a child of the forkserver, which reaps it and says how it ended.
///
/// Lives on its I/O thread.
final class WorkerProcess {
    let id: pid_t
    let started = ContinuousClock.now
    private let thread: IOThread
    /// Stands for this very process, so that no later one of its number is ever signalled; −1 where
    /// the kernel gave none.
    private var handle: Int32
    private var watch: WatchToken?

    /// Takes a process that has just been started; `onEnd` is called once when it ends, whoever
    /// else is told, unless it is closed before.
    init(_ id: pid_t, on thread: IOThread, onEnd: @escaping () -> Void) {
        self.id = id
        self.thread = thread
        handle = krait_pidfd_open(id)
        guard handle >= 0 else { return }
        // Where it cannot be watched the forkserver's word must do.
        watch = try? thread.watch(handle) { [weak self] in
            self?.endWatch()
            onEnd()
        }
    }

    /// Whether it has not ended yet.
    var isRunning: Bool {
        guard handle >= 0 else { return false }
        var item = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, 0) == 0
    }

    /// Sends a signal to its group, for as long as nobody has reaped the process itself: until then
    /// its number, and so the group's, is nobody else's.
    func signalGroup(_ number: Int32) {
        guard handle >= 0, krait_pidfd_send_signal(handle, 0) == 0 else { return }
        kill(-id, number)
    }

    func close() {
        endWatch()
        if handle >= 0 { Glibc.close(handle) }
        handle = -1
    }

    private func endWatch() {
        if let watch { thread.unwatch(watch) }
        watch = nil
    }
}
