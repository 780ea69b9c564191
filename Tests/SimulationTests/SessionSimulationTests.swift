import KraitPooling
import KraitTestSupport
import Testing

/// Sessions whose workers come and go, beside a model of what their states really are.
@Suite struct SessionSimulationTests {
    private struct Sent {
        var id: CallID
        var worker: WorkerID
        var session: UInt64
        var saves: Bool
        /// Whether the pool made it itself.
        var isErrand = false
        /// What the call brought.
        var brought: (answers: Int, state: Int)?
    }

    private struct World {
        var pool: PoolStateMachine
        var random: SplitMix64
        var now = Moment.now
        /// How many calls are in the state of each session that a worker has.
        var held: [WorkerID: [UInt64: Int]] = [:]
        var sent: [Sent] = []
        var waiting: [CallID: Sent] = [:]
        /// What the keeper has: of each session the answers that were seen, and the last state.
        var kept: [UInt64: (answers: Int, state: Int)] = [:]
        var rehydrated = 0

        init(seed: UInt64) {
            random = SplitMix64(seed: seed)
            var configuration = PoolConfiguration(workers: 3)
            configuration.stableAfter = .zero
            pool = PoolStateMachine(configuration)
            perform(pool.started(at: now))
        }

        mutating func chance(_ count: UInt64) -> Bool { random.next() % count == 0 }

        mutating func perform(_ actions: [PoolAction]) {
            for action in actions {
                switch action {
                case .start(let worker):
                    held[worker] = [:]
                    perform(pool.workerReady(worker, slots: 2, at: now))
                case .send(let id, let worker):
                    guard let call = waiting.removeValue(forKey: id) else { continue }
                    send(call, id, to: worker)
                case .save(let id, let session, let worker):
                    var call = Sent(id: id, worker: worker, session: session, saves: true)
                    call.isErrand = true
                    send(call, id, to: worker)
                case .fail(let id, _):
                    waiting[id] = nil
                    sent.removeAll { $0.id == id }
                case .stop(let worker, _): end(worker, .stopped)
                default: break
                }
            }
        }

        mutating func send(_ call: Sent, _ id: CallID, to worker: WorkerID) {
            var call = call
            call.id = id
            call.worker = worker
            if pool.makesHome(id) {
                #expect(call.brought != nil)
                held[worker]?[call.session] = call.brought?.state
                rehydrated += 1
            }
            sent.append(call)
        }

        mutating func call(_ session: UInt64, isLoaded: Bool) {
            let saves = session % 2 == 0 || chance(3)
            let known = kept[session] ?? (0, 0)
            var traits = CallTraits()
            traits.session = SessionCall(
                number: session,
                loaded: isLoaded ? known.answers : nil,
                saves: saves,
                mayMove: session % 3 == 0
            )
            let (arrival, actions) = pool.callArrived(traits, deadline: nil, at: now)
            let nobody = WorkerID(number: -1, incarnation: 0)
            var call = Sent(id: CallID(rawValue: 0), worker: nobody, session: session, saves: saves)
            call.brought = isLoaded ? known : nil
            switch arrival {
            case .send(let id, let worker): send(call, id, to: worker)
            case .queued(let id): waiting[id] = call
            case .refused(.sessionMoved):
                #expect(!isLoaded, "with what is kept it is not sent back again")
                perform(actions)
                return self.call(session, isLoaded: true)
            case .refused: break
            }
            perform(actions)
        }

        mutating func answer() {
            guard !sent.isEmpty else { return }
            let call = sent.remove(at: Int(random.next() % UInt64(sent.count)))
            guard var state = held[call.worker]?[call.session] else {
                // It was forgotten there, as a worker does that has too many.
                let answered = pool.answered(
                    call.id,
                    by: call.worker,
                    .noSession,
                    isFault: true,
                    at: now
                )
                return perform(answered.actions)
            }
            let isFault = chance(6)
            let answered = pool.answered(call.id, by: call.worker, isFault: isFault, at: now)
            if !isFault, !call.isErrand {
                state += 1
                held[call.worker]?[call.session] = state
            }
            if let change = answered.change {
                let known = kept[call.session] ?? (0, 0)
                #expect(change.answers == known.answers + 1)
                if call.session % 2 == 0 {
                    // Saved with each answer: nothing that somebody has seen is ever missing.
                    let expected = known.state + (call.isErrand ? 0 : 1)
                    #expect(state == expected, "session \(call.session)")
                }
                kept[call.session] = (change.answers, change.isSaved ? state : known.state)
            }
            perform(answered.actions)
        }

        mutating func end(_ worker: WorkerID, _ exit: WorkerExit) {
            sent.removeAll { $0.worker == worker }
            held[worker] = nil
            let random = Double(random.next() % 100) / 100
            perform(pool.workerExited(worker, exit, random: random, at: now))
        }

        mutating func step() {
            now += .milliseconds(50)
            perform(pool.timerFired(at: now))
            let workers = held.keys.sorted { $0.number < $1.number }
            switch random.next() % 32 {
            case 0..<14: call(random.next() % 8, isLoaded: chance(4))
            case 14..<28: answer()
            case 28:
                guard let worker = workers.randomElement(using: &random) else { return }
                end(worker, .crashed("signal 9"))
            case 29: perform(pool.recycleRequested())
            case 30: perform(pool.resized(to: Int(random.next() % 3) + 1, at: now))
            default:
                guard let worker = workers.randomElement(using: &random) else { return }
                held[worker] = held[worker]?.filter { session, _ in
                    sent.contains { $0.session == session && $0.worker == worker }
                }
            }
        }
    }

    @Test(arguments: 0..<40)
    func `whatever happens, the next call goes on from the last answer`(seed: UInt64) {
        var world = World(seed: seed)
        for _ in 0..<2_000 { world.step() }
        #expect(world.rehydrated > 20, "a run in which no worker is given a state tries nothing")
        // In the end all that wait come to their worker.
        for _ in 0..<2_000 where !(world.sent.isEmpty && world.waiting.isEmpty) {
            world.now += .milliseconds(500)
            world.perform(world.pool.timerFired(at: world.now))
            world.answer()
        }
        #expect(world.sent.isEmpty && world.waiting.isEmpty)
    }
}
