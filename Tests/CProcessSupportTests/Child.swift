import CProcessSupport
import Glibc

/// What a child process did.
struct Child {
    var id: pid_t
    var output: String
    /// As `waitpid` gives it.
    var status: Int32

    struct Failure: Error, Equatable {
        var number: Int32
    }

    /// Runs a program to its end; its output goes into a pipe that is its descriptor 1, and
    /// `descriptors` are what else it gets, with nil in the place of that pipe.
    static func run(
        _ path: String,
        _ arguments: [String] = [],
        environment: [String] = [],
        descriptors: [Int32?] = [-1, nil, -1]
    ) throws(Failure) -> Child {
        var ends: [Int32] = [-1, -1]
        guard krait_pipe(&ends, 0) == 0 else { throw Failure(number: errno) }
        defer { close(ends[0]) }
        let id = spawn(path, arguments, environment, descriptors.map { $0 ?? ends[1] })
        let number = errno
        close(ends[1])
        guard id > 0 else { throw Failure(number: number) }
        let output = readAll(ends[0])
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return Child(id: id, output: output, status: status)
    }

    /// Runs a line of shell.
    static func shell(
        _ line: String,
        environment: [String] = ["PATH=/usr/bin:/bin"],
        descriptors: [Int32?] = [-1, nil, -1]
    ) throws(Failure) -> Child {
        try run("/bin/sh", ["-c", line], environment: environment, descriptors: descriptors)
    }

    /// Starts a program without waiting for it; −1 with `errno` where that fails.
    static func spawn(
        _ path: String,
        _ arguments: [String],
        _ environment: [String],
        _ descriptors: [Int32]
    ) -> pid_t {
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let settings = environment.map { strdup($0) } + [nil]
        defer { for text in words + settings { free(text) } }
        return path.withCString { path in
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
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}

/// What an open descriptor of this process leads to.
func target(of descriptor: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)).map(UInt8.init), as: UTF8.self)
}
