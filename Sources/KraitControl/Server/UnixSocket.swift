import Glibc

/// Stream sockets of the file system.
package enum UnixSocket {
    /// A socket that listens at a path, where none may be yet.
    ///
    /// Only its owner can connect.
    package static func listen(at path: String, backlog: Int32) throws(SystemError) -> Descriptor {
        let socket = try make()
        guard withAddress(path, { bind(socket.number, $0, $1) }) == 0 else {
            throw SystemError("bind the socket \(path)")
        }
        guard chmod(path, 0o600) == 0, Glibc.listen(socket.number, backlog) == 0 else {
            throw SystemError("listen at \(path)")
        }
        socket.makeNonBlocking()
        return socket
    }

    /// A socket connected to the one that listens at a path.
    package static func connect(to path: String) throws(SystemError) -> Descriptor {
        let socket = try make()
        guard withAddress(path, { Glibc.connect(socket.number, $0, $1) }) == 0 else {
            throw SystemError("connect to \(path)")
        }
        socket.makeNonBlocking()
        return socket
    }

    /// The next client of a listening socket; nil where none waits.
    package static func accept(
        _ listener: borrowing Descriptor
    ) throws(SystemError) -> Descriptor? {
        let number = Glibc.accept(listener.number, nil, nil)
        if number < 0, [EAGAIN, EINTR, ECONNABORTED].contains(errno) { return nil }
        let client = try Descriptor(number, "accept a client")
        Descriptor.setFlags(of: number, closeOnExec: true)
        client.makeNonBlocking()
        return client
    }

    private static func make() throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return try Descriptor(socket(AF_UNIX, type, 0), "make a socket")
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
