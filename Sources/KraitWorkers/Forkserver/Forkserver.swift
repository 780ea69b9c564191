import CProcessSupport
import Glibc
import KraitObservability
import KraitWire
import KraitZeroMQ

/// A pool's forkserver: the process that has imported the adapter and makes workers by forking (or,
/// where that is not safe, by executing afresh).
///
/// It is started by the first worker that needs it and again after it has died. Its workers die
/// with it, and it dies with Krait: the control channel's end of file makes it kill them all.
package actor Forkserver {
    nonisolated let thread: IOThread
    private let settings: ForkserverSettings
    private let events: EventSink
    private let logger: Logger
    var state = State.idle
    var workers: [String: Launch] = [:]
    /// Who waits for the adapter to be loaded.
    var loaders: [CheckedContinuation<LaunchError?, Never>] = []
    /// Whether it ends as soon as its last worker has.
    var isRetiring = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    package init(
        _ settings: ForkserverSettings,
        on thread: IOThread,
        events: EventSink,
        logger: Logger
    ) {
        self.settings = settings
        self.thread = thread
        self.events = events
        self.logger = logger
    }

    enum State {
        case idle
        case loading(Running, TimerToken)
        case running(Running)
        /// It is ended, or was never begun; with the process that may still be going.
        case stopped(Running?)
    }

    /// The live process and what belongs to it.
    final class Running {
        var process: ChildProcess?
        var channel: PacketChannel?
        var output: OutputReader?
        /// Why it is about to end, where it has said so or Krait ended it.
        var failure: LaunchError?
        var isGone = false
        /// Who waits for its end.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// A worker that is to be started or has been.
    struct Launch {
        typealias Waiter = CheckedContinuation<Result<LaunchedProcess, LaunchError>, Never>

        var request: Request
        /// Nil once it has been told.
        var waiter: Waiter?
        /// Fires where the forkserver does not say that the process runs; nil until it was asked.
        var timer: TimerToken?
        var process: LaunchedProcess?
        var onExit: @Sendable (ExitStatus) -> Void
    }

    /// Makes a worker process, starting the forkserver where there is none.
    ///
    /// `onExit` is called once, on the I/O thread, if and only if this returns.
    package func launch(
        _ request: Request,
        onExit: @escaping @Sendable (ExitStatus) -> Void
    ) async throws(LaunchError) -> LaunchedProcess {
        // All of it where the wait begins: on the way there other jobs may run on the thread.
        let result = await withCheckedContinuation { waiter in
            workers[request.name] = Launch(request: request, waiter: waiter, onExit: onExit)
            proceed(with: request.name)
        }
        return try result.get()
    }

    /// Lets a launch fail at once, since the worker is not wanted any more.
    ///
    /// A process that comes all the same finds its lifeline's end closed, and leaves.
    package func abandonLaunch(of name: String) {
        guard workers[name]?.waiter != nil else { return }
        fail(name, LaunchError("it is not wanted any more", isFinal: false))
    }

    /// Ends the forkserver and every worker that is left, and returns once it is gone.
    package func stop() async {
        let running: Running
        switch state {
        case .idle:
            state = .stopped(nil)
            return
        case .stopped(let last):
            guard let last, !last.isGone else { return }
            running = last
        case .running(let current):
            running = current
            _ = thread.schedule(at: .now + Self.stopPatience) { running.process?.kill() }
        case .loading(let current, let timer):
            running = current
            thread.cancel(timer)
            // It has no workers yet, and may be deep in an import.
            running.process?.kill()
        }
        end(running)
        await withCheckedContinuation { waiter in
            if running.isGone { waiter.resume() } else { running.waiters.append(waiter) }
        }
    }

    /// Ends the control channel, which ends the forkserver and its workers.
    func end(_ running: Running) {
        state = .stopped(running)
        running.channel?.close()
        for name in Array(workers.keys) where workers[name]?.waiter != nil {
            fail(name, Self.closing)
        }
        tellLoaders(Self.closing)
    }

    /// How long the forkserver may take to end its workers.
    static let stopPatience: Duration = .seconds(2)
    static let closing = LaunchError("the pool is closing", isFinal: true)
    /// Whoever asks again is given the one that has taken its place.
    private static let replaced = LaunchError("its forkserver was replaced", isFinal: false)

    // MARK: Launches

    /// Takes a launch as far as it can be taken now.
    private func proceed(with name: String) {
        do throws(LaunchError) {
            switch state {
            case .idle: try start()
            case .loading: break
            case .running(let running): try ask(running, for: name)
            case .stopped: throw isRetiring ? Self.replaced : Self.closing
            }
        } catch {
            fail(name, error)
        }
    }

    private func ask(_ running: Running, for name: String) throws(LaunchError) {
        guard let request = workers[name]?.request else { return }
        var start: ValueMap = [
            "do": "start",
            "name": .string(request.name),
            "token": .string(request.token),
            "endpoint": .string(request.endpoint),
            "slots": .int(Int64(request.slots)),
        ]
        if let curve = request.curve { start["curve"] = curve.value }
        try running.channel?.send(
            request.message,
            descriptors: [request.output, request.lifeline]
        )
        awaitAnswer(running, for: name)
    }

    private func awaitAnswer(_ running: Running, for name: String) {
        let due = ContinuousClock.now + settings.launchPatience
        workers[name]?.timer = thread.schedule(at: due) { [self] in
            // A timer that is late itself says that this process was held up, and perhaps the
            // whole machine: the forkserver's answer may be in the channel already.
            if due.duration(to: .now) > settings.launchPatience / 4 {
                awaitAnswer(running, for: name)
            } else {
                launchTimedOut(running)
            }
        }
    }

    private func fail(_ name: String, _ error: LaunchError) {
        guard let launch = workers.removeValue(forKey: name) else { return }
        if let timer = launch.timer { thread.cancel(timer) }
        launch.waiter?.resume(returning: .failure(error))
        endIfRetired()
    }

    // MARK: The process

    func start() throws(LaunchError) {
        let python = try settings.python.get()
        let running = Running()
        var pair: [Int32] = [-1, -1]
        var pipe: [Int32] = [-1, -1]
        guard krait_packet_pair(&pair) == 0 else { throw .noDescriptors() }
        defer { close(pair[1]) }
        do {
            running.channel = try PacketChannel(pair[0], on: thread) { [self] message in
                received(message)
            }
            guard krait_pipe(&pipe, 1) == 0 else { throw LaunchError.noDescriptors() }
            running.output = try OutputReader(pipe[0], on: thread) { [logger, events] line in
                events.emit(.workerOutput)
                logger.info("\(line)")
            }
        } catch {
            running.channel?.close()
            if pipe[1] >= 0 { close(pipe[1]) }
            throw error as? LaunchError ?? LaunchError("\(error)", isFinal: false)
        }
        defer { close(pipe[1]) }
        do {
            running.process = try ChildProcess(
                python.interpreter,
                ["-m", "krait_worker.forkserver"],
                environment: settings.environment,
                descriptors: [-1, pipe[1], pipe[1], pair[1]],
                on: thread
            ) { [self] status in exited(running, status) }
            try running.channel?.send(settings.load)
        } catch {
            running.output?.finish()
            running.channel?.close()
            running.process?.kill()
            throw error
        }
        let timer = thread.schedule(at: .now + settings.patience) { [self] in
            loadTimedOut(running)
        }
        state = .loading(running, timer)
        events.emit(.forkserverStarted, metadata: [.python: "\(python.interpreter)"])
    }

    private func loadTimedOut(_ running: Running) {
        guard case .loading(let current, _) = state, current === running else { return }
        end(
            running,
            because: "importing the adapter `\(settings.adapter)` took longer than "
                + "\(settings.patience); raise the pool's start_timeout"
        )
    }

    /// A forkserver that does not fork is of no use: its end fails the launch, and the next one
    /// starts another.
    private func launchTimedOut(_ running: Running) {
        guard case .running(let current) = state, current === running else { return }
        end(
            running,
            because: "the forkserver did not answer within \(settings.launchPatience) and was ended"
        )
    }

    private func end(_ running: Running, because reason: String) {
        if running.failure == nil { running.failure = LaunchError(reason, isFinal: false) }
        running.process?.kill()
    }

    private func exited(_ running: Running, _ status: ExitStatus) {
        running.channel?.readAll()
        running.channel?.close()
        running.output?.finish()
        running.isGone = true
        for waiter in running.waiters { waiter.resume() }
        running.waiters = []
        let error =
            running.failure ?? unexplainedExit(status, output: running.output?.tail ?? [])
        switch state {
        case .loading(let current, let timer) where current === running:
            thread.cancel(timer)
            state = .idle
            events.emit(.forkserverFailed, metadata: [.reason: "\(error.reason)"])
            tellLoaders(error)
        case .running(let current) where current === running:
            state = .idle
            events.emit(.forkserverFailed, metadata: [.reason: "\(error.reason)"])
        case .stopped: break
        // It could not be told what to load, and was given up.
        case .idle, .loading, .running: return
        }
        // Its workers are bound to it by PR_SET_PDEATHSIG, and nobody else can report them.
        let orphans = workers
        workers = [:]
        endIfRetired()
        for launch in orphans.values {
            if let timer = launch.timer { thread.cancel(timer) }
            launch.process?.killGroup()
            if let waiter = launch.waiter {
                waiter.resume(returning: .failure(error))
            } else {
                launch.onExit(.orphaned(error.reason))
            }
        }
    }

    private func unexplainedExit(_ status: ExitStatus, output: [String]) -> LaunchError {
        if let missing = output.last, missing.contains("No module named 'krait_worker") {
            let python = (try? settings.python.get().interpreter) ?? "the pool's Python"
            return LaunchError(
                "\(python) has no krait_worker: install it there, or set `python` to an "
                    + "interpreter or a virtual environment that has it (`krait doctor` tells)",
                isFinal: true
            )
        }
        let lines = output.isEmpty ? "" : "; its last lines: " + output.joined(separator: "\n")
        let words = status.explained(ExitClass.Circumstances())
        // One that had worked may do so again.
        if case .exited = status, case .loading = state {
            return LaunchError("the forkserver ended early: \(words)\(lines)", isFinal: true)
        }
        return LaunchError("the forkserver ended: \(words)\(lines)", isFinal: false)
    }

    // MARK: Messages

    private func received(_ message: Value) {
        switch message["event"]?.string {
        case "loaded": loaded()
        case "failed": loadFailed(message)
        case "started": started(message)
        case "exited": workerExited(message)
        default: logger.warning("the forkserver sent a message that is not of the protocol")
        }
    }

    private func loaded() {
        guard case .loading(let running, let timer) = state else { return }
        thread.cancel(timer)
        state = .running(running)
        tellLoaders(nil)
        for name in Array(workers.keys) { proceed(with: name) }
    }

    private func loadFailed(_ message: Value) {
        let type = message["type"]?.string ?? "an error"
        let text = message["message"]?.string ?? ""
        let traceback = message["traceback"]?.string.map { "\n" + $0 } ?? ""
        if let name = message["name"]?.string {
            return fail(
                name,
                LaunchError("it could not be started: \(type): \(text)", isFinal: false)
            )
        }
        guard case .loading(let running, _) = state else { return }
        running.failure = LaunchError(
            "the adapter `\(settings.adapter)` could not be loaded: \(type): \(text)\(traceback)",
            isFinal: true
        )
    }

    private func started(_ message: Value) {
        guard let name = message["name"]?.string, let id = message["pid"]?.int,
            let launch = workers[name], let waiter = launch.waiter
        else { return }
        if let timer = launch.timer { thread.cancel(timer) }
        let process = LaunchedProcess(
            id: pid_t(truncatingIfNeeded: id),
            startTicks: message["started"]?.int ?? 0
        )
        workers[name]?.waiter = nil
        workers[name]?.process = process
        waiter.resume(returning: .success(process))
    }

    private func workerExited(_ message: Value) {
        guard let name = message["name"]?.string, let code = message["status"]?.int,
            let launch = workers[name]
        else { return }
        guard launch.waiter == nil else {
            let status = ExitStatus(code: code)
            return fail(name, LaunchError("it ended at once: \(status)", isFinal: false))
        }
        workers[name] = nil
        launch.onExit(ExitStatus(code: code))
        endIfRetired()
    }
}
