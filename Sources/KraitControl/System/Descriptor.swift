import Glibc

/// A file descriptor that closes itself, once.
package struct Descriptor: ~Copyable, Sendable {
    package let number: Int32

    /// Takes over a descriptor that a system call gave; a negative one is that call's error.
    package init(_ number: Int32, _ action: String) throws(SystemError) {
        guard number >= 0 else { throw SystemError(action) }
        self.number = number
    }

    /// Takes over a descriptor that is known to be open.
    package init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Opens a file; never inherited by other programs.
    package static func open(
        _ path: String,
        _ flags: Int32,
        mode: mode_t = 0o600
    ) throws(SystemError) -> Descriptor {
        try Descriptor(Glibc.open(path, flags | O_CLOEXEC, mode), "open \(path)")
    }

    /// A second descriptor of what another refers to, which can be closed on its own.
    package static func duplicate(of number: Int32) throws(SystemError) -> Descriptor {
        try Descriptor(fcntl(number, F_DUPFD_CLOEXEC, 0), "duplicate a descriptor")
    }

    /// A pipe's reading and writing ends, not inherited by other programs.
    package static func pipe() throws(SystemError) -> Pipe {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw SystemError("make a pipe") }
        for end in ends { setFlags(of: end, closeOnExec: true) }
        return Pipe(
            reading: try Descriptor(ends[0], "make a pipe"),
            writing: try Descriptor(ends[1], "make a pipe")
        )
    }

    package struct Pipe: ~Copyable, Sendable {
        package let reading: Descriptor
        package let writing: Descriptor

        /// Closes the writing end here, without which the reading one would never come to its end.
        package consuming func readingEnd() -> Descriptor { reading }
    }

    /// Makes reads and writes return at once instead of waiting.
    package func makeNonBlocking() {
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }

    package static func setFlags(of number: Int32, closeOnExec: Bool) {
        _ = fcntl(number, F_SETFD, closeOnExec ? FD_CLOEXEC : 0)
    }

    /// Reads at most `limit` bytes; none at the end of the file.
    package func read(upTo limit: Int) throws(SystemError) -> [UInt8] {
        while true {
            var length = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                length = Glibc.read(number, buffer.baseAddress, limit)
                count = max(0, length)
            }
            if length >= 0 { return bytes }
            guard errno == EINTR else { throw SystemError("read") }
        }
    }

    /// Reads to the end; more than `limit` bytes are an error (`EFBIG`).
    package func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let part = try read(upTo: 64 << 10)
            if part.isEmpty { return all }
            all += part
            guard all.count <= limit else { throw SystemError("read", code: EFBIG) }
        }
    }

    /// Writes all of the bytes, waiting as long as it takes.
    package func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        try Self.writeAll(bytes, to: number)
    }

    /// Sends on a non-blocking socket what it takes at once, whether or not anybody reads it.
    package func sendNow(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes {
            Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    package static func writeAll(_ bytes: [UInt8], to number: Int32) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(
                    number,
                    buffer.baseAddress?.advanced(by: written),
                    bytes.count - written
                )
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw SystemError("write")
            }
        }
    }
}

/// The bytes of a file; one longer than `limit` is an error.
package func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
    do throws(SystemError) {
        return try Descriptor.open(path, O_RDONLY).readAll(limit: limit)
    } catch {
        throw SystemError("read \(path)", code: error.code)
    }
}
