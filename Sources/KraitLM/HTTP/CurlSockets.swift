import CCurl
import CProcessSupport
import Glibc

/// What libcurl waits for: its descriptors in an epoll set, and its next time-out.
///
/// Each turn costs what is ready and not what is open, so a thousand waiting answers cost nothing
/// until they come. Used by the engine's thread alone, but for `wake`.
final class CurlSockets {
    private let multi: UnsafeMutableRawPointer
    private let set: Int32
    private let waking: Int32
    private let ready: UnsafeMutableBufferPointer<krait_readiness>
    /// When libcurl wants to look at its time-outs; nil for never.
    private var due: ContinuousClock.Instant?

    private static let readyAtOnce = 64

    /// Nil where there is no descriptor to be had.
    init?(_ multi: UnsafeMutableRawPointer) {
        self.multi = multi
        set = krait_epoll_create()
        waking = krait_eventfd()
        ready = .allocate(capacity: Self.readyAtOnce)
        ready.initialize(repeating: krait_readiness())
        guard set >= 0, waking >= 0, krait_epoll_watch(set, waking, Int32(KRAIT_READABLE)) == 0
        else { return nil }
        let own = Unmanaged.passUnretained(self).toOpaque()
        let code = krait_curl_multi_watch(
            multi,
            { _, descriptor, events, own, _ in
                CurlSockets.found(own)?.watch(descriptor, for: events)
                return 0
            },
            { _, milliseconds, own in
                CurlSockets.found(own)?.wait(milliseconds)
                return 0
            },
            own
        )
        guard code == CURLM_OK else { return nil }
    }

    deinit {
        close(set)
        close(waking)
        ready.deallocate()
    }

    private static func found(_ own: UnsafeMutableRawPointer?) -> CurlSockets? {
        own.map { Unmanaged<CurlSockets>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Ends the wait of a turn, this one or the next; from any thread.
    func wake() {
        var one: UInt64 = 1
        _ = write(waking, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits until there is something to do, and lets libcurl do it.
    func turn() {
        let count = krait_epoll_wait(set, ready.baseAddress, Int32(ready.count), milliseconds)
        var running: Int32 = 0
        for found in ready.prefix(max(0, Int(count))) {
            if found.descriptor == waking {
                var count: UInt64 = 0
                _ = read(waking, &count, MemoryLayout<UInt64>.size)
            } else {
                curl_multi_socket_action(multi, found.descriptor, found.events, &running)
            }
        }
        guard let due, due <= .now else { return }
        self.due = nil
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
    }

    /// How long a turn may wait: rounded up, or it would turn without end just before it is due.
    private var milliseconds: Int32 {
        guard let due else { return -1 }
        let left = ContinuousClock.now.duration(to: due) / .milliseconds(1)
        return Int32(clamping: Int64(max(0, left).rounded(.up)))
    }

    private func watch(_ descriptor: curl_socket_t, for events: Int32) {
        if events == CURL_POLL_REMOVE {
            _ = krait_epoll_remove(set, descriptor)
        } else {
            _ = krait_epoll_watch(set, descriptor, events)
        }
    }

    private func wait(_ milliseconds: Int) {
        due = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }
}
