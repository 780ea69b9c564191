import CProcessSupport
import Glibc
import Testing

/// Pipes, packets and the epoll set.
@Suite struct DescriptorTests {
    @Test(arguments: [false, true])
    func `a pipe is closed on exec, and blocks where it was not asked otherwise`(
        nonblocking: Bool
    ) throws {
        var ends: [Int32] = [-1, -1]
        try #require(krait_pipe(&ends, nonblocking ? 1 : 0) == 0)
        defer { for end in ends { close(end) } }
        for end in ends { #expect(fcntl(end, F_GETFD) & FD_CLOEXEC != 0) }
        #expect((fcntl(ends[0], F_GETFL) & O_NONBLOCK != 0) == nonblocking)
        #expect(fcntl(ends[1], F_GETFL) & O_NONBLOCK == 0)
    }

    @Test func `packets keep their bounds and carry descriptors`() throws {
        var pair: [Int32] = [-1, -1]
        try #require(krait_packet_pair(&pair) == 0)
        defer { for end in pair { close(end) } }
        var ends: [Int32] = [-1, -1]
        try #require(krait_pipe(&ends, 0) == 0)
        defer { for end in ends { close(end) } }

        #expect(krait_send_packet(pair[0], "one", 3, nil, 0) == 3)
        #expect(krait_send_packet(pair[0], "two", 3, ends, 2) == 3)
        #expect(receive(pair[1])?.text == "one")
        let second = try #require(receive(pair[1]))
        #expect(second.text == "two" && second.descriptors.count == 2)
        defer { for descriptor in second.descriptors { close(descriptor) } }
        // They are the same pipe under other numbers.
        #expect(write(second.descriptors[1], "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == 1 && byte == UInt8(ascii: "x"))
        #expect(receive(pair[1]) == nil && errno == EAGAIN, "neither side blocks")
    }

    @Test func `what cannot be sent is an error, not a signal`() throws {
        var pair: [Int32] = [-1, -1]
        try #require(krait_packet_pair(&pair) == 0)
        let many = Array(repeating: Int32(0), count: 9)
        #expect(krait_send_packet(pair[0], "x", 1, many, 9) == -1 && errno == EINVAL)
        #expect(krait_send_packet(pair[0], "x", 1, [9_999], 1) == -1 && errno == EBADF)
        close(pair[1])
        #expect(krait_send_packet(pair[0], "x", 1, nil, 0) == -1 && errno == EPIPE)
        close(pair[0])
    }

    @Test func `an epoll set says what is readable until it is read`() throws {
        let set = krait_epoll_create()
        defer { close(set) }
        var pipes: [[Int32]] = []
        for number in 0..<3 {
            var ends: [Int32] = [-1, -1]
            try #require(krait_pipe(&ends, 1) == 0)
            try #require(krait_epoll_add(set, ends[0], 100 + UInt64(number)) == 0)
            pipes.append(ends)
        }
        defer { for end in pipes.flatMap(\.self) { close(end) } }
        func ready(_ capacity: Int) -> Set<UInt64> {
            var tokens = [UInt64](repeating: 0, count: 64)
            let count = krait_epoll_ready(set, &tokens, Int32(capacity))
            return Set(tokens.prefix(Int(count)))
        }
        #expect(ready(64).isEmpty)
        for number in [0, 2] { #expect(write(pipes[number][1], "x", 1) == 1) }
        #expect(ready(64) == [100, 102] && ready(64) == [100, 102])
        #expect(ready(1).count == 1)
        #expect(krait_epoll_remove(set, pipes[0][0]) == 0)
        #expect(ready(64) == [102])
        #expect(krait_epoll_remove(set, pipes[0][0]) == -1 && errno == ENOENT)
        #expect(krait_epoll_add(set, -1, 1) == -1 && errno == EBADF)
    }

    @Test func `an event counter and a thread's id`() {
        let event = krait_eventfd()
        defer { close(event) }
        var count: UInt64 = 3
        #expect(write(event, &count, 8) == 8)
        #expect(write(event, &count, 8) == 8)
        #expect(read(event, &count, 8) == 8 && count == 6)
        #expect(read(event, &count, 8) == -1 && errno == EAGAIN)
        #expect(access("/proc/self/task/\(krait_gettid())", F_OK) == 0)
    }

    /// One packet, with the descriptors that came with it.
    private func receive(_ socket: Int32) -> (text: String, descriptors: [Int32])? {
        var bytes = [UInt8](repeating: 0, count: 100)
        var control = [UInt8](repeating: 0, count: 100)
        let (count, used): (Int, Int) = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    let count = recvmsg(socket, &message, 0)
                    return (count, message.msg_controllen)
                }
            }
        }
        guard count >= 0 else { return nil }
        // A control header has 16 bytes; the descriptors follow.
        let size = MemoryLayout<Int32>.size
        let descriptors = stride(from: 16, to: max(16, used), by: size).map { offset in
            control.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Int32.self) }
        }
        return (String(decoding: bytes[..<count], as: UTF8.self), descriptors)
    }
}
