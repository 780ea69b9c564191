import Glibc

/// What the run waits for: sockets and moments, served by the one thread that runs it.
package final class Loop {
    package typealias Instant = ContinuousClock.Instant

    /// A descriptor that is waited for.
    package struct Source {
        /// `POLLIN` and `POLLOUT` as wanted now.
        package var events: () -> Int32
        package var ready: (Int32) -> Void

        package init(events: @escaping () -> Int32, ready: @escaping (Int32) -> Void) {
            self.events = events
            self.ready = ready
        }
    }

    private var sources: [Int32: Source] = [:]
    private var timers: [(at: Instant, body: () -> Void)] = []
    /// Done once in each turn.
    private var chores: [() -> Void] = []
    /// A turn takes at most so long to come, so that chores see the time pass.
    private let tick: Duration = .milliseconds(5)
    /// Set from a signal handler's pipe: ends every wait.
    package private(set) var isInterrupted = false

    /// Something happened that makes going on useless.
    private var isStopped = false

    package init(interruptions: Int32 = -1) {
        guard interruptions >= 0 else { return }
        watch(
            interruptions,
            Source(events: { POLLIN }) { [unowned self] _ in
                isInterrupted = true
                unwatch(interruptions)
            }
        )
    }

    /// Ends every wait from now on.
    package func stop() { isStopped = true }

    package func watch(_ descriptor: Int32, _ source: Source) { sources[descriptor] = source }

    package func unwatch(_ descriptor: Int32) { sources[descriptor] = nil }

    package func after(_ delay: Duration, _ body: @escaping () -> Void) {
        let instant = ContinuousClock.now + delay
        let index = timers.firstIndex { $0.at > instant } ?? timers.count
        timers.insert((instant, body), at: index)
    }

    package func eachTurn(_ body: @escaping () -> Void) { chores.append(body) }

    /// Serves while the condition holds; false where it was interrupted.
    @discardableResult
    package func run(while condition: () -> Bool) -> Bool {
        while !isInterrupted, !isStopped, condition() { turn() }
        return !isInterrupted && !isStopped
    }

    @discardableResult
    package func run(for duration: Duration) -> Bool {
        let end = ContinuousClock.now + duration
        return run { ContinuousClock.now < end }
    }

    private func turn() {
        for chore in chores { chore() }
        var polled = sources.map { descriptor, source in
            pollfd(fd: descriptor, events: Int16(source.events()), revents: 0)
        }
        let count = poll(&polled, nfds_t(polled.count), Int32(tick / .milliseconds(1)))
        if count > 0 {
            for entry in polled where entry.revents != 0 {
                sources[entry.fd]?.ready(Int32(entry.revents))
            }
        }
        let now = ContinuousClock.now
        while let first = timers.first, first.at <= now {
            timers.removeFirst()
            first.body()
        }
    }
}
