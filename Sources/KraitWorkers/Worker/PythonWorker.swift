import CProcessSupport
import Glibc
import KraitObservability
import KraitWire
import KraitZeroMQ

/// One Python worker process, from its launch or its arrival to its end: performs what
/// `WorkerStateMachine` decides.
///
/// Runs on the I/O thread of its courier.
package actor PythonWorker {
    /// The worker's name, such as `general/3.12`.
    package nonisolated let name: String
    /// Its name and routing id on the wire: nobody else can guess it, and so take its place.
    nonisolated let wireName: String
    private nonisolated let thread: IOThread
    let courier: Courier
    private let origin: WorkerOrigin
    private let endpoint: String
    /// The public CURVE key of the endpoint, where it has one.
    private let serverKey: String?
    /// This worker's own keys, while it is let in by them.
    private var keys: CurveKeys?
    let settings: WorkerSettings
    let listener: any WorkerListener
    let events: EventSink
    private let logger: Logger
    let token: String
    var payloads: WorkerPayloads
    /// When what goes to and fro is compressed, as both sides have agreed.
    var compression: CompressionRule?

    var machine: WorkerStateMachine
    /// The worker's reader, and its pulse; connected while it lives.
    nonisolated let calls: Peer
    private nonisolated let pulse: Peer
    private var output: OutputReader?
    private var lifeline: Int32 = -1
    private var process: WorkerProcess?
    private var residentBytes: Int?
    private var oldestCall: (age: Duration, heard: ContinuousClock.Instant)?
    /// When it came, of one that came from elsewhere.
    private var arrived: ContinuousClock.Instant?
    /// Whether such a one was told that it is no longer wanted.
    var isDismissed = false
    private var wasKilled = false
    private var memoryKillsBefore = 0
    private var offer: Ready?
    private var timer: (token: TimerToken, at: ContinuousClock.Instant)?
    private var ending: CheckedContinuation<WorkerStateMachine.End, Never>?
    private var end: WorkerStateMachine.End?
    /// It broke the protocol: what else it sends is not looked at, and so cannot fill the log.
    private var isDistrusted = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    package init(
        name: String,
        courier: Courier,
        endpoint: String,
        serverKey: String? = nil,
        origin: WorkerOrigin,
        thread: IOThread,
        settings: WorkerSettings,
        arena: Arena? = nil,
        listener: any WorkerListener,
        events: EventSink,
        logger: Logger
    ) {
        self.name = name
        self.thread = thread
        self.courier = courier
        self.endpoint = endpoint
        self.serverKey = serverKey
        self.origin = origin
        self.settings = settings
        self.listener = listener
        self.events = events
        self.logger = logger
        payloads = WorkerPayloads(arena)
        var generator = SystemRandomNumberGenerator()
        token = String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
        wireName = origin.guest?.name ?? name + "~" + String(generator.next(), radix: 16)
        calls = Peer(wireName, on: thread)
        pulse = Peer(wireName + "!", on: thread)
        machine = WorkerStateMachine(settings)
    }

    /// What is known of it where it came from elsewhere.
    nonisolated var guest: Guest? { origin.guest }

    // MARK: From outside

    /// Lives the worker's life.
    ///
    /// Called once; cancelling the task changes nothing, `stop` ends it.
    package func run() async -> WorkerStateMachine.End {
        connect()
        do throws(LaunchError) {
            try await launch()
            perform(machine.launched(at: .now))
            if let guest { take(guest.firstWords, attachments: []) }
        } catch {
            perform(machine.launchFailed(error.with(output: output?.tail ?? [])))
        }
        // Looked at within the wait: on the way there other jobs may run on the thread.
        let reached = await withCheckedContinuation { waiter in
            if let end { waiter.resume(returning: end) } else { ending = waiter }
        }
        cleanUp()
        return reached
    }

    /// Begins to end the worker; `gently` lets it leave by itself first.
    package func stop(gently: Bool) {
        perform(machine.stopRequested(gently: gently, at: .now))
    }

    /// What is known of the process: its id, its own memory as it last said, its age, and for how
    /// long the oldest of its calls has run.
    package var facts: Facts {
        Facts(
            processID: process?.id,
            host: guest?.host,
            residentBytes: residentBytes,
            age: (process?.started ?? arrived)?.duration(to: .now),
            // Counted on from the last heartbeat: of a worker that is stopped, too, it grows.
            oldestCall: oldestCall.map { $0.age + $0.heard.duration(to: .now) }
        )
    }

    /// An exit status in words, with what it means here and what to do.
    package func explanation(of status: ExitStatus) -> String {
        status.explained(
            ExitClass.Circumstances(
                wasKilledByKrait: wasKilled,
                outOfMemoryKills: ControlGroup.memoryKills() - memoryKillsBefore,
                limits: settings.limits
            )
        )
    }

    // MARK: Launch and end

    private func connect() {
        courier.assumeIsolated { courier in
            for peer in [calls, pulse] { courier.connect(peer, to: self) }
        }
    }

    private func launch() async throws(LaunchError) {
        guard machine.wantsProcess else { throw LaunchError("it is not wanted", isFinal: false) }
        guard case .forkserver(let forkserver) = origin else {
            arrived = .now
            return events.emit(.workerJoined, metadata: [.reason: "\(guest?.host ?? "")"])
        }
        var outputEnds: [Int32] = [-1, -1]
        var lifelineEnds: [Int32] = [-1, -1]
        guard krait_pipe(&outputEnds, 1) == 0 else { throw .noDescriptors() }
        defer { close(outputEnds[1]) }
        do {
            output = try OutputReader(outputEnds[0], on: thread) { [logger, events] line in
                events.emit(.workerOutput)
                logger.info("\(line)")
            }
        } catch {
            throw LaunchError("\(error)", isFinal: false)
        }
        guard krait_pipe(&lifelineEnds, 0) == 0 else { throw .noDescriptors() }
        defer { close(lifelineEnds[0]) }
        lifeline = lifelineEnds[1]
        let request = Forkserver.Request(
            name: wireName,
            token: token,
            endpoint: endpoint,
            slots: settings.slots,
            limits: settings.limits,
            curve: try handOutKeys(),
            output: outputEnds[1],
            lifeline: lifelineEnds[0]
        )
        let launched = try await forkserver.launch(request) { [self] status in
            assumeIsolated { $0.exited(status) }
        }
        memoryKillsBefore = ControlGroup.memoryKills()
        process = WorkerProcess(launched.id, on: thread) { [self] in
            perform(machine.processEnded(at: .now))
        }
        events.emit(.workerStarted, metadata: [.workerPID: .integer(Int(launched.id))])
    }

    /// Draws the worker's keys and has them let in, where the endpoint asks for any.
    private func handOutKeys() throws(LaunchError) -> WorkerKeys? {
        guard let serverKey else { return nil }
        do throws(ZeroMQError) {
            let own = try CurveKeys.generate()
            courier.assumeIsolated { $0.admit(own.publicKey, as: wireName) }
            keys = own
            return WorkerKeys(server: serverKey, own: own)
        } catch {
            throw LaunchError("\(error)", isFinal: true)
        }
    }

    private func exited(_ status: ExitStatus) {
        output?.finish()
        perform(machine.exited(status))
    }

    private func cleanUp() {
        output?.finish()
        courier.assumeIsolated { courier in
            for peer in [calls, pulse] { courier.disconnect(peer) }
        }
        if let keys { courier.assumeIsolated { $0.revoke(keys.publicKey) } }
        keys = nil
        if let timer { thread.cancel(timer.token) }
        timer = nil
        if lifeline >= 0 { close(lifeline) }
        process?.close()
        payloads.close()
        process = nil
    }

    // MARK: Performing

    func perform(_ actions: [WorkerStateMachine.Action]) {
        for action in actions {
            switch action {
            case .sayHello: send(.hello, hello)
            case .sayGoodbye(let reason): sayGoodbye(reason, isFinal: true)
            case .reportReady: if let offer { listener.workerReady(offer) }
            case .sendDrain: send(EnvelopeHeader.bodyless(.drain))
            case .abandonLaunch:
                if case .forkserver(let forkserver) = origin {
                    forkserver.assumeIsolated { $0.abandonLaunch(of: wireName) }
                }
            case .signal(let number): signal(number)
            case .finish(let reached): finish(reached)
            }
        }
        armTimer()
    }

    private func signal(_ number: Int32) {
        if guest != nil, number == SIGKILL { return letGo() }
        guard let process else { return }
        if number == SIGKILL, process.isRunning {
            wasKilled = true
            events.emit(.workerKilled)
        }
        process.signalGroup(number)
    }

    private func finish(_ reached: WorkerStateMachine.End) {
        let reached = reached.with(output: output?.tail ?? [])
        end = reached
        ending?.resume(returning: reached)
        ending = nil
    }

    /// Arms a timer no later than the machine's; one that fires early finds nothing due and is
    /// armed again, so that a heartbeat costs no new timer.
    private func armTimer() {
        guard let due = machine.timer else { return }
        if let timer {
            if timer.at <= due { return }
            thread.cancel(timer.token)
        }
        let token = thread.schedule(at: due) { [self] in
            timer = nil
            perform(machine.timerFired(at: .now))
        }
        timer = (token, due)
    }
}

extension PythonWorker: PeerReceiver {
    package nonisolated func received(
        _ frame: ReceivedFrame,
        attachments: [ReceivedFrame],
        from peer: String
    ) {
        assumeIsolated { $0.take(frame, attachments: attachments) }
    }

    package nonisolated func sendFailed(to peer: String, reason: String) {
        assumeIsolated { worker in
            worker.events.emit(.messageUnroutable, metadata: [.reason: "\(reason)"])
            // Its envelopes are lost, so their calls must be: the worker is not one to keep.
            worker.perform(worker.machine.messageLost(at: .now))
        }
    }

    private func take(_ frame: ReceivedFrame, attachments: [ReceivedFrame]) {
        guard !isDistrusted else { return }
        let now = ContinuousClock.now
        machine.heard(at: now)
        var announced = 0
        var answers: [ReceivedEnvelope] = []
        do throws(WireError) {
            try frame.withUnsafeBytes { (bytes) throws(WireError) in
                var reader = EnvelopeReader(bytes)
                while let (header, body) = try reader.next() {
                    let first = announced
                    announced += Int(header.attachments)
                    var envelope = ReceivedEnvelope(
                        header: header,
                        frame: frame,
                        body: body,
                        sender: name
                    )
                    if header.attachments > 0 {
                        guard announced <= attachments.count else { continue }
                        payloads.attach(attachments[first..<announced], to: &envelope)
                    }
                    if header.isAnswer {
                        answers.append(consume envelope)
                    } else {
                        try control(envelope, at: now)
                    }
                }
            }
            guard announced == attachments.count else {
                answers = []
                throw .wrongAttachments(announced: announced, found: attachments.count)
            }
        } catch {
            isDistrusted = true
            events.emit(.messageRefused, metadata: [.reason: "\(error)"])
            perform(machine.violated("it sent what is not of the protocol: \(error)", at: now))
        }
        if !answers.isEmpty { listener.answered(answers) }
    }

    /// What a worker says that is not an answer.
    private func control(
        _ envelope: ReceivedEnvelope,
        at now: ContinuousClock.Instant
    ) throws(WireError) {
        let body = try envelope.decodeBody()
        switch envelope.header.kind {
        case .hello:
            let objection = objection(to: try WorkerHello(body))
            perform(machine.helloReceived(objection: objection, at: now))
        case .ready:
            let ready = try Ready(body)
            residentBytes = ready.residentBytes
            offer = ready
            if let objection = guest?.screen(ready) { return refuse(objection, at: now) }
            perform(machine.readyReceived(at: now))
        case .heartbeat:
            let heartbeat = try Heartbeat(body)
            residentBytes = heartbeat.residentBytes
            listener.workerMeasured(residentBytes: heartbeat.residentBytes)
            let oldest = heartbeat.running.map(\.ageMilliseconds).max()
            oldestCall = oldest.map { (.milliseconds($0), now) }
            payloads.forgetDiscarded()
        case .fault:
            let fault = try Fault(body)
            let isFinal = fault.code == .importFailed || fault.code == .setupFailed
            let traceback = fault.traceback.isEmpty ? "" : "\n" + fault.traceback
            let text = "\(fault.type): \(fault.message)\(traceback)"
            perform(machine.faultReceived(text, isFinal: isFinal, at: now))
        case .goodbye:
            // Of a process of ours the exit says the rest.
            if guest != nil { perform(machine.exited(.exited(0))) }
        case .drain where guest != nil: listener.workerLeaves()
        case .call, .reply, .cancel, .drain, .chunk, .end, .credit, .toolCall, .toolReply:
            throw .unknownKind(envelope.header.kind.rawValue)
        }
    }
}
