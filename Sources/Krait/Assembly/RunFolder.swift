import Glibc
import KraitWire

/// The folder that holds a run's socket: given, or made below the temporary folder and removed.
struct RunFolder {
    let path: String
    private let isOurs: Bool

    init(_ given: String?) throws {
        if let given {
            path = given
            isOurs = false
            return
        }
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/krait-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            let error = String(cString: strerror(errno))
            throw CallError(
                .poolFailed,
                "no folder for the socket could be made in \(base): \(error); set TMPDIR to a "
                    + "folder you may write to"
            )
        }
        path = String(cString: made)
        isOurs = true
    }

    func remove() {
        guard isOurs else { return }
        unlink("\(path)/router.sock")
        rmdir(path)
    }
}
