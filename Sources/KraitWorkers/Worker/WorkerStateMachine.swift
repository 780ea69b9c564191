/// Decides how one worker process is greeted, watched and ended.
///
/// A value: events with the time go in, what to do comes out. Whatever happens, the machine comes
/// to `.gone`: every state in which the process lives has a timer, and the last one kills.
package struct WorkerStateMachine: Equatable, Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum State: Equatable, Sendable {
        /// The forkserver was asked, which bounds its answer; `stopping` if the worker is unwanted
        /// by now. Becomes greeting, warming, killing or gone.
        case launching(stopping: Bool)
        /// The process runs; its hello is awaited. Becomes warming, killing or gone.
        case greeting
        /// Greeted; it sets up its adapter. Becomes ready, draining, killing or gone.
        case warming
        /// Takes calls. Becomes draining, killing or gone.
        case ready
        /// Was asked to leave. Becomes terminating, killing or gone.
        case draining
        /// Was sent SIGTERM. Becomes killing or gone.
        case terminating
        /// Was sent SIGKILL. Becomes gone.
        case killing
        case gone
    }

    package enum Action: Equatable, Sendable {
        case sayHello
        /// Refuse the process, in words it can log.
        case sayGoodbye(String)
        case reportReady
        case sendDrain
        /// Wait no longer for the forkserver's word.
        case abandonLaunch
        /// Send a signal to the whole process group.
        case signal(Int32)
        /// The life is over.
        case finish(End)
    }

    /// How a worker's life ended.
    package enum End: Equatable, Sendable {
        case stopped
        case crashed(ExitStatus)
        /// Krait ended it, since what it says cannot be trusted; why, in words.
        case distrusted(String)
        case silent
        case failedToStart(String)
        case cannotStart(String)
    }

    private let settings: WorkerSettings
    package private(set) var state = State.launching(stopping: false)
    /// When `timerFired` is due, if the worker has not moved on by then.
    package private(set) var timer: Instant?
    /// Why Krait ended it, where it did.
    private var reason: End?
    /// Whether the process has ended, so that only the word of how is missing.
    private var hasEnded = false

    package init(_ settings: WorkerSettings) { self.settings = settings }

    // MARK: Events

    /// Whether a process is to be launched: not once the worker is unwanted.
    package var wantsProcess: Bool { state == .launching(stopping: false) }

    /// The process runs, and can be signalled from now on.
    package mutating func launched(at now: Instant) -> [Action] {
        switch state {
        case .launching(stopping: false):
            state = .greeting
            timer = now + settings.startPatience
            return []
        case .launching(stopping: true): return kill(.stopped, at: now)
        // What it said overtook this word, and the signal had nobody to go to.
        case .killing: return [.signal(Self.killSignal)]
        case .greeting, .warming, .ready, .draining, .terminating, .gone: return []
        }
    }

    /// There is no process, or nobody knows which.
    package mutating func launchFailed(_ error: LaunchError) -> [Action] {
        let failure: End = error.isFinal ? .cannotStart(error.reason) : .failedToStart(error.reason)
        switch state {
        case .launching(let stopping): return finish(stopping ? .stopped : failure)
        // One that has spoken already leaves when its lifeline is closed.
        case .greeting, .warming: return finish(reason ?? failure)
        case .ready, .draining, .terminating, .killing:
            return finish(reason ?? .distrusted(error.reason))
        case .gone: return []
        }
    }

    /// A hello has come; `objection` says what is wrong with it, if anything is.
    package mutating func helloReceived(objection: String?, at now: Instant) -> [Action] {
        // A hello can overtake the forkserver's word that it started the process.
        if case .launching(false) = state { state = .greeting }
        guard state == .greeting else { return [] }
        if let objection {
            return [.sayGoodbye(objection)] + kill(.cannotStart(objection), at: now)
        }
        state = .warming
        timer = now + settings.startPatience
        return [.sayHello]
    }

    package mutating func readyReceived(at now: Instant) -> [Action] {
        guard state == .warming else { return [] }
        state = .ready
        timer = now + settings.silence
        return [.reportReady]
    }

    /// The worker sent a fault that belongs to no call.
    ///
    /// Before it is ready: it cannot set up its adapter. Later: it cannot read what it was sent, so
    /// that a call is lost.
    package mutating func faultReceived(_ text: String, isFinal: Bool, at now: Instant) -> [Action]
    {
        switch state {
        case .greeting, .warming:
            let reason = "the adapter could not be set up: \(text)"
            return kill(isFinal ? .cannotStart(reason) : .failedToStart(reason), at: now)
        case .ready: return violated("it could not read a message: \(text)", at: now)
        case .launching, .draining, .terminating, .killing, .gone: return []
        }
    }

    /// Something came from the worker: it lives.
    package mutating func heard(at now: Instant) {
        if state == .ready, !hasEnded { timer = now + settings.silence }
    }

    /// The worker broke the protocol so that nothing it says can be trusted.
    package mutating func violated(_ what: String, at now: Instant) -> [Action] {
        switch state {
        case .launching, .greeting, .warming: return kill(.failedToStart(what), at: now)
        case .ready, .draining, .terminating: return kill(.distrusted(what), at: now)
        case .killing, .gone: return []
        }
    }

    /// A message to the worker was lost, and a call may have been in it.
    ///
    /// Mostly that is the first sign of its end, so its exit is to say why it ended.
    package mutating func messageLost(at now: Instant) -> [Action] {
        switch state {
        case .ready, .draining, .terminating: return kill(nil, at: now)
        case .launching, .greeting, .warming: return kill(.failedToStart("it left"), at: now)
        case .killing, .gone: return []
        }
    }

    /// The worker is to end; `gently` lets it leave by itself first.
    package mutating func stopRequested(gently: Bool, at now: Instant) -> [Action] {
        switch state {
        case .launching(stopping: false):
            state = .launching(stopping: true)
            return [.abandonLaunch]
        case .launching(stopping: true): return []
        case .greeting: return kill(.stopped, at: now)
        case .warming, .ready:
            guard gently else { return kill(.stopped, at: now) }
            reason = .stopped
            state = .draining
            timer = now + settings.teardownPatience
            return [.sendDrain]
        case .draining, .terminating:
            return gently ? [] : kill(.stopped, at: now)
        case .killing, .gone: return []
        }
    }

    /// The process has ended; how, its forkserver will say in a moment, unless it hangs.
    package mutating func processEnded(at now: Instant) -> [Action] {
        switch state {
        case .launching, .gone: return []
        case .greeting, .warming, .ready, .draining, .terminating, .killing:
            guard !hasEnded else { return [] }
            hasEnded = true
            timer = now + Self.exitPatience
            return []
        }
    }

    package mutating func timerFired(at now: Instant) -> [Action] {
        guard let due = timer, due <= now else { return [] }
        // What it has left of its group ends as well.
        if hasEnded { return [.signal(Self.killSignal)] + exited(.unknown) }
        switch state {
        case .greeting:
            return kill(
                .failedToStart("it did not say hello within \(settings.startPatience)"),
                at: now
            )
        case .warming:
            return kill(
                .failedToStart("it was not ready within \(settings.startPatience)"),
                at: now
            )
        case .ready:
            // A timer that is late itself says that this process was stopped, or the machine
            // asleep: the worker had no chance to be heard.
            if due.duration(to: now) > settings.heartbeat {
                timer = now + settings.silence
                return []
            }
            return kill(.silent, at: now)
        case .draining:
            state = .terminating
            timer = now + settings.teardownPatience
            return [.signal(Self.terminate)]
        case .terminating: return kill(reason ?? .stopped, at: now)
        case .killing:
            // Nobody reports the exit: the forkserver hangs or is gone. The signal cannot fail.
            return finish(reason ?? .crashed(.unknown))
        case .launching, .gone:
            timer = nil
            return []
        }
    }

    /// The process is gone.
    package mutating func exited(_ status: ExitStatus) -> [Action] {
        switch state {
        case .launching(let stopping):
            return finish(stopping ? .stopped : .failedToStart("before it said hello, \(status)"))
        case .greeting, .warming:
            return finish(reason ?? .failedToStart("before it was ready, \(status)"))
        case .ready: return finish(.crashed(status))
        case .draining, .terminating, .killing: return finish(reason ?? .crashed(status))
        case .gone: return []
        }
    }

    // MARK: Ends

    private static let terminate: Int32 = 15
    private static let killSignal: Int32 = 9
    /// How long a forkserver may take to say how a process ended.
    private static let exitPatience: Duration = .seconds(1)

    private mutating func kill(_ end: End?, at now: Instant) -> [Action] {
        if reason == nil { reason = end }
        state = .killing
        timer = now + settings.teardownPatience
        return [.signal(Self.killSignal)]
    }

    private mutating func finish(_ end: End) -> [Action] {
        state = .gone
        timer = nil
        return [.finish(end)]
    }
}
