import Glibc
import KraitWorkers

/// What keeps a run from going on: not a finding about Krait, but about its surroundings.
package struct ChaosError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// A program that was started, with its output in files.
package final class Child {
    package let id: pid_t
    private var status: Int32?

    /// Starts a program in a session of its own.
    ///
    /// `input` becomes its standard input; −1 stands for none.
    package init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String],
        output: String,
        errors: String,
        input: Int32 = -1
    ) throws(ChaosError) {
        let files = [output, errors].map { (path: String) in
            Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        }
        defer { for file in files { close(file) } }
        do throws(LaunchError) {
            id = try spawn(
                path,
                arguments,
                environment: environment,
                descriptors: [input] + files
            )
        } catch {
            throw ChaosError("\(error)")
        }
    }

    /// The exit code, or a negative signal number; nil while it runs.
    package var ended: Int32? {
        if let status { return status }
        var raw: Int32 = 0
        guard waitpid(id, &raw, WNOHANG) == id else { return nil }
        let signal = raw & 0x7F
        status = signal == 0 ? (raw >> 8) & 0xFF : -signal
        return status
    }

    /// Sends a signal, while its number is still its own.
    package func signal(_ number: Int32) {
        if ended == nil { kill(id, number) }
    }

    /// Waits for its end; nil where the time is over first.
    package func end(within bound: Duration) -> Int32? {
        let deadline = ContinuousClock.now + bound
        while ended == nil, ContinuousClock.now < deadline { pause(.milliseconds(5)) }
        return ended
    }
}

/// Does nothing for a while.
package func pause(_ duration: Duration) {
    poll(nil, 0, Int32(clamping: Int64(duration / .milliseconds(1))))
}

/// The program that this process runs.
package let ownProgram: String = {
    guard let path = realpath("/proc/self/exe", nil) else { return "" }
    defer { free(path) }
    return String(cString: path)
}()

/// This process's environment.
package func ownEnvironment() -> [String: String] {
    var all: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let pair = String(cString: text).split(separator: "=", maxSplits: 1).map(String.init)
        if pair.count == 2 { all[pair[0]] = pair[1] }
        entry += 1
    }
    return all
}

/// Tells the person who runs it, whatever becomes of the report.
package func complain(_ text: String) {
    let bytes = Array("krait-chaos: \(text)\n".utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
}
