import CProcessSupport
import Glibc
import KraitZeroMQ

/// A process that Krait started itself, in a session of its own.
///
/// Lives on its I/O thread.
final class ChildProcess {
    let id: pid_t
    private let thread: IOThread
    private let descriptor: Int32
    private var watch: WatchToken?

    /// Starts a program whose descriptors 0, 1, 2, … are those given, and calls `onExit` once.
    init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String],
        descriptors: [Int32],
        on thread: IOThread,
        onExit: @escaping (ExitStatus) -> Void
    ) throws(LaunchError) {
        self.thread = thread
        id = try spawn(path, arguments, environment: environment, descriptors: descriptors)
        descriptor = krait_pidfd_open(id)
        guard descriptor >= 0 else {
            Self.reap(id, killing: true)
            throw LaunchError("the kernel gave no handle for process \(id)", isFinal: false)
        }
        do {
            watch = try thread.watch(descriptor) { [unowned self] in
                // What it left behind ends with it.
                self.kill()
                let status = Self.reap(self.id, killing: false)
                self.close()
                onExit(status)
            }
        } catch {
            Self.reap(id, killing: true)
            Glibc.close(descriptor)
            throw LaunchError("\(error)", isFinal: false)
        }
    }

    /// Kills the process and its group, if it is still there: a wrapper's child, too, is to end.
    func kill() {
        // Not reaped yet, so the number cannot be another's.
        guard watch != nil else { return }
        Glibc.kill(-id, SIGKILL)
    }

    private func close() {
        guard let watch else { return }
        thread.unwatch(watch)
        self.watch = nil
        Glibc.close(descriptor)
    }

    @discardableResult
    private static func reap(_ id: pid_t, killing: Bool) -> ExitStatus {
        if killing { Glibc.kill(-id, SIGKILL) }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 {
            guard errno == EINTR else { return .unknown }
        }
        // The C macros WIFSIGNALED and WEXITSTATUS are not visible to Swift.
        let signal = status & 0x7F
        return signal == 0 ? .exited(Int((status >> 8) & 0xFF)) : .signalled(Int(signal))
    }
}
