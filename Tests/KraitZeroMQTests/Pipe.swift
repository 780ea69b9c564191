import CProcessSupport
import Glibc

/// A pipe whose reading end does not block; it is closed with its last use.
final class Pipe: Sendable {
    let reading: Int32
    private let writing: Int32

    struct Failure: Error {
        var number: Int32
    }

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard krait_pipe(&ends, 1) == 0 else { throw Failure(number: errno) }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    func write(_ text: String) { _ = Glibc.write(writing, text, text.utf8.count) }

    func drain() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while read(reading, &buffer, buffer.count) > 0 {}
    }
}
