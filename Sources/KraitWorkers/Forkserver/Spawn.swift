import CProcessSupport
import Glibc

/// Starts a process in a session of its own, with default signals and only the descriptors given,
/// which become its 0, 1, 2, …; −1 stands for /dev/null.
///
/// The caller reaps it. Throws where the program cannot be executed; no child is left then.
package func spawn(
    _ path: String,
    _ arguments: [String],
    environment: [String: String],
    descriptors: [Int32]
) throws(LaunchError) -> pid_t {
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    let id = path.withCString { path in
        words.withUnsafeBufferPointer { words in
            settings.withUnsafeBufferPointer { settings in
                descriptors.withUnsafeBufferPointer { descriptors in
                    var request = krait_spawn(
                        path: path,
                        arguments: words.baseAddress,
                        environment: settings.baseAddress,
                        descriptors: descriptors.baseAddress,
                        descriptor_count: Int32(descriptors.count)
                    )
                    return krait_spawn(&request)
                }
            }
        }
    }
    guard id > 0 else {
        let number = errno
        // What the system has too little of now, it may have later.
        let isFinal = ![EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(number)
        let error = String(cString: strerror(number))
        throw LaunchError("`\(path)` could not be started: \(error)", isFinal: isFinal)
    }
    return id
}
