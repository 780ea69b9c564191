import Glibc
import KraitWire
import KraitWorkers

/// The folder that holds a run's socket: given, or made below the temporary folder and removed.
///
/// One that is made has a name by which a later run finds and removes it, should this process be
/// killed; the lock says that it is in use.
struct RunFolder {
    let path: String
    private let lock: Int32?

    init(_ given: String?) throws {
        if let given {
            path = given
            lock = nil
            return
        }
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        path = "\(base)/\(RunName().text)"
        guard mkdir(path, 0o700) == 0 else {
            let error = String(cString: strerror(errno))
            throw CallError(
                .poolFailed,
                "no folder for the socket could be made in \(base): \(error); set TMPDIR to a "
                    + "folder you may write to"
            )
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        // Fails on file systems without locks; the process's number and start time remain.
        flock(descriptor, LOCK_EX | LOCK_NB)
        lock = descriptor
    }

    func remove() {
        guard let lock else { return }
        for name in Reaper.files { unlink("\(path)/\(name)") }
        rmdir(path)
        close(lock)
    }
}
