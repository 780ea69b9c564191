import CProcessSupport
import Glibc

/// A thread that runs an event loop: the executor of everything that touches a socket.
///
/// Actors with this executor run on the thread and call each other without a hop. A turn of the
/// loop runs all jobs, lets each source send what the jobs have left in its outbox, takes in what
/// has arrived, and sleeps only when there was nothing to do.
///
/// The loop ends, and its descriptors close, after `stop()`: no watch or timer fires any more. Jobs
/// that come later still run, on a thread made for them, so that nobody waits for ever for an actor
/// here.
// Allowed: `inbox` is guarded by its own lock, everything else only the thread itself touches.
package final class IOThread: @unchecked Sendable {
    private let inbox: Inbox
    private let wake: Int32
    private let name: String

    // Only on the thread:
    private var local: [Work] = []
    private var sources: [any IOSource] = []
    private var timers = TimerQueue()
    private var watches: DescriptorWatches
    private var turns: UInt64 = 0
    private var stopping = false

    /// Starts the thread.
    ///
    /// The name shows in `top -H`.
    package init(name: String) throws {
        self.name = name
        wake = krait_eventfd()
        guard wake >= 0 else { throw ZeroMQError(action: "make an eventfd", number: errno) }
        inbox = Inbox(wake: wake)
        do {
            watches = try DescriptorWatches()
        } catch {
            close(wake)
            throw error
        }
        let error = start()
        guard error == 0 else {
            watches.close()
            throw ZeroMQError(action: "start a thread", number: error)
        }
    }

    deinit { close(wake) }

    /// Starts the thread, or another one for jobs that came after its end.
    private func start() -> Int32 {
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(self)
        let error = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<IOThread>.fromOpaque(argument).takeRetainedValue().live()
                return nil
            },
            retained.toOpaque()
        )
        if error == 0 { pthread_detach(thread) } else { retained.release() }
        return error
    }

    /// Where each thread keeps which I/O thread it is.
    private static let current: pthread_key_t = {
        var key = pthread_key_t()
        let error = pthread_key_create(&key, nil)
        precondition(error == 0, "no thread-specific key is left")
        return key
    }()

    /// Whether the caller is on this thread.
    package var isCurrent: Bool {
        pthread_getspecific(Self.current) == Unmanaged.passUnretained(self).toOpaque()
    }

    /// Runs `body` on the thread, soon and in order.
    ///
    /// May be called from anywhere.
    package func perform(_ body: @escaping @Sendable () -> Void) { enqueue(.closure(body)) }

    /// Ends the loop after what is already in its queues.
    package func stop() { perform { [self] in stopping = true } }

    // MARK: Only on the thread

    /// Adds something that sends and receives in each turn.
    package func add(_ source: any IOSource) {
        preconditionOnThread()
        sources.append(source)
    }

    package func remove(_ source: any IOSource) {
        preconditionOnThread()
        sources.removeAll { $0 === source }
    }

    /// Calls `body` whenever `descriptor` is readable, until `unwatch`.
    package func watch(_ descriptor: Int32, _ body: @escaping () -> Void) throws -> WatchToken {
        preconditionOnThread()
        return try watches.add(descriptor, body)
    }

    /// Ends a watch; do it before the descriptor is closed.
    package func unwatch(_ token: WatchToken) {
        preconditionOnThread()
        watches.remove(token)
    }

    /// Calls `body` once at `instant`, or soon after, unless it is cancelled before.
    package func schedule(
        at instant: ContinuousClock.Instant,
        _ body: @escaping () -> Void
    ) -> TimerToken {
        preconditionOnThread()
        return timers.add(at: instant, body)
    }

    package func cancel(_ token: TimerToken) {
        preconditionOnThread()
        timers.remove(token)
    }

    package func preconditionOnThread() {
        precondition(isCurrent, "called off the \(name) thread")
    }

    // MARK: The loop

    private func enqueue(_ work: Work) {
        if isCurrent {
            local.append(work)
        } else if inbox.append(work), start() != 0 {
            // No thread can be had now; the next job tries again.
            inbox.abandon()
        }
    }

    /// How many turns may pass under load before descriptors and timers are looked after.
    private static let turnsBetweenServices: UInt64 = 32

    private func live() {
        pthread_setspecific(Self.current, Unmanaged.passUnretained(self).toOpaque())
        krait_name_thread(name)
        if !stopping { loop() }
        repeat { runJobs() } while !local.isEmpty || !inbox.close()
    }

    private func loop() {
        while !stopping {
            turns &+= 1
            runJobs()
            for source in sources { source.flush() }
            var received = 0
            for source in sources { received += source.receive() }
            let isBusy = received > 0 || !local.isEmpty || stopping
            if isBusy || !inbox.announceSleep() {
                if turns % Self.turnsBetweenServices == 0 { service(timeout: 0) }
            } else {
                service(timeout: timers.millisecondsToNext(from: .now))
                inbox.announceWake()
            }
        }
        sources = []
        timers = TimerQueue()
        watches.close()
    }

    private func runJobs() {
        inbox.drain(into: &local)
        // Jobs may add jobs; those run in the next turn, after the sends.
        var batch: [Work] = []
        swap(&batch, &local)
        let (actors, tasks) = (asUnownedSerialExecutor(), asUnownedTaskExecutor())
        for work in batch {
            switch work {
            case .closure(let body): body()
            case .job(let job): job.runSynchronously(isolatedTo: actors, taskExecutor: tasks)
            }
        }
    }

    private func service(timeout: Int32) {
        var items = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        items.append(pollfd(fd: watches.descriptor, events: Int16(POLLIN), revents: 0))
        for source in sources {
            items.append(pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0))
        }
        let ready = poll(&items, nfds_t(items.count), timeout)
        if ready > 0 {
            if items[0].revents != 0 {
                var count: UInt64 = 0
                _ = read(wake, &count, MemoryLayout<UInt64>.size)
            }
            if items[1].revents != 0 {
                // Looked up one by one, since a body may end another's watch.
                for number in watches.ready() { watches.body(number)?() }
            }
        }
        // Up to one moment, so that a timer that sets itself anew cannot hold up the loop.
        let now = ContinuousClock.now
        while let body = timers.takeDue(at: now) { body() }
    }

    fileprivate enum Work {
        case closure(@Sendable () -> Void)
        case job(UnownedJob)
    }

    /// What other threads leave for this one.
    // Allowed: all state is guarded by the lock.
    private final class Inbox: @unchecked Sendable {
        private let lock: UnsafeMutablePointer<pthread_mutex_t>
        private let wake: Int32
        private var works: [Work] = []
        private var isAsleep = false
        private var isClosed = false

        init(wake: Int32) {
            self.wake = wake
            lock = .allocate(capacity: 1)
            pthread_mutex_init(lock, nil)
        }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
        }

        /// Adds to the queue; true where there is no thread to take it, so that the caller starts
        /// one.
        func append(_ work: Work) -> Bool {
            pthread_mutex_lock(lock)
            works.append(work)
            let (mustWake, mustStart) = (isAsleep, isClosed)
            isAsleep = false
            isClosed = false
            pthread_mutex_unlock(lock)
            if mustWake {
                var one: UInt64 = 1
                _ = write(wake, &one, MemoryLayout<UInt64>.size)
            }
            return mustStart
        }

        /// Whether the thread may end: from now on the next append says that one is missing.
        func close() -> Bool {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            isClosed = works.isEmpty
            return isClosed
        }

        /// Says that no thread was started after all.
        func abandon() {
            pthread_mutex_lock(lock)
            isClosed = true
            pthread_mutex_unlock(lock)
        }

        func drain(into local: inout [Work]) {
            pthread_mutex_lock(lock)
            if !works.isEmpty {
                if local.isEmpty { swap(&local, &works) } else { local.append(contentsOf: works) }
                works.removeAll(keepingCapacity: true)
            }
            pthread_mutex_unlock(lock)
        }

        /// Whether the thread may sleep; from now on an append wakes it.
        func announceSleep() -> Bool {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            isAsleep = works.isEmpty
            return isAsleep
        }

        func announceWake() {
            pthread_mutex_lock(lock)
            isAsleep = false
            pthread_mutex_unlock(lock)
        }
    }
}

/// Every job runs as one of both kinds, so that a task that prefers this thread changes nothing
/// when it enters or leaves an actor on it.
extension IOThread: SerialExecutor, TaskExecutor {
    package func enqueue(_ job: consuming ExecutorJob) {
        enqueue(.job(UnownedJob(job)))
    }

    /// Lets code that the loop calls outside a job (watches, timers, sources) be known as isolated.
    package func checkIsolated() { preconditionOnThread() }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }
}

/// Something that sends and receives in each turn of an I/O thread.
package protocol IOSource: AnyObject {
    /// Turns readable when there may be something to receive.
    var descriptor: Int32 { get }
    /// Sends what has been left to send.
    func flush()
    /// Takes in what has arrived, up to a bound, and says how much that was, or that there is more
    /// to send. The loop sleeps only after every source has answered 0, so an edge-triggered
    /// descriptor is never missed.
    func receive() -> Int
}
