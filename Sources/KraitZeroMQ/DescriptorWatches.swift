import CProcessSupport
import Glibc

/// Names a watched descriptor of an I/O thread.
package struct WatchToken: Hashable, Sendable {
    fileprivate var number: UInt64
    fileprivate var descriptor: Int32
}

/// The descriptors beside the sockets that a thread watches: one epoll set, so that the loop polls
/// one descriptor for all of them.
struct DescriptorWatches {
    private(set) var descriptor: Int32
    private var bodies: [UInt64: () -> Void] = [:]
    private var next: UInt64 = 0

    init() throws {
        descriptor = krait_epoll_create()
        guard descriptor >= 0 else {
            throw ZeroMQError(action: "make an epoll set", number: errno)
        }
    }

    mutating func add(_ watched: Int32, _ body: @escaping () -> Void) throws -> WatchToken {
        next += 1
        guard krait_epoll_add(descriptor, watched, next) == 0 else {
            throw ZeroMQError(action: "watch descriptor \(watched)", number: errno)
        }
        bodies[next] = body
        return WatchToken(number: next, descriptor: watched)
    }

    mutating func remove(_ token: WatchToken) {
        guard bodies.removeValue(forKey: token.number) != nil else { return }
        _ = krait_epoll_remove(descriptor, token.descriptor)
    }

    /// The numbers of the watches whose descriptors are readable.
    ///
    /// The set is level-triggered: what a body leaves unread comes again in the next turn.
    func ready() -> [UInt64] {
        var tokens = [UInt64](repeating: 0, count: 64)
        let count = krait_epoll_ready(descriptor, &tokens, Int32(tokens.count))
        return Array(tokens.prefix(Int(max(0, count))))
    }

    /// What a watch calls, or nil where it has ended.
    func body(_ number: UInt64) -> (() -> Void)? { bodies[number] }

    /// Ends every watch, and refuses new ones.
    mutating func close() {
        Glibc.close(descriptor)
        descriptor = -1
        bodies = [:]
    }
}
