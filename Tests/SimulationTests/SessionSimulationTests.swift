import KraitPooling
import KraitTestSupport
import KraitWire
import Testing

/// Sessions whose workers come and go, beside a model of what their states really are.
@Suite struct SessionSimulationTests {
    /// What a worker holds: of each session how many calls are in its state.
    private struct World {
        var table = SessionTable()
        var random: SplitMix64
        var now = Moment.now
        var workers: [WorkerID]
        /// What each worker really holds.
        var states: [WorkerID: [SessionKey: Int]] = [:]
        var running: [(session: SessionKey, worker: WorkerID)] = []
        /// Questions on their way: taken down when they were asked, as a worker does.
        var saving: [(session: SessionKey, worker: WorkerID, version: Int, state: Int)] = []
        /// What each session's state must be at the least: what was saved.
        var saved: [SessionKey: Int] = [:]
        var lost = 0

        init(seed: UInt64) {
            random = SplitMix64(seed: seed)
            workers = (0..<3).map { WorkerID(number: $0, incarnation: 1) }
        }

        mutating func pick<Element>(_ list: [Element]) -> Element? {
            list.isEmpty ? nil : list[Int(random.next() % UInt64(list.count))]
        }

        mutating func perform(_ actions: [SessionAction]) {
            for action in actions {
                switch action {
                case .checkpoint(let id, let worker, let version):
                    let state = states[worker]?[id]
                    #expect(state == version, "\(id) at \(worker)")
                    saving.append((id, worker, version, state ?? -1))
                case .forget(let id, let worker): states[worker]?[id] = nil
                case .lost(_, let calls):
                    #expect(calls > 0)
                    lost += calls
                case .ended(let id): saved[id] = nil
                }
            }
        }

        mutating func step() throws {
            now += .milliseconds(10)
            let id = "s\(random.next() % 8)"
            switch random.next() % 16 {
            case 0: begin(id)
            case 1..<7: call(id)
            case 7..<12: answer()
            case 12..<14: try save()
            case 14: endWorker()
            default: leave()
            }
            perform(table.expire(at: now))
        }

        mutating func begin(_ id: String) {
            let terms = SessionTerms(
                affinity: random.next() % 2 == 0 ? .preferred : .required,
                checkpoints: random.next() % 3 == 0
                    ? .onDrain : .afterCalls(Int(random.next() % 3) + 1),
                timeToLive: .milliseconds(2_000)
            )
            do throws(SessionRefusal) {
                let key = try table.begin(id, spec: .string(id), terms: terms, at: now)
                saved[key] = 0
            } catch {
                #expect(error == .exists)
            }
        }

        mutating func call(_ id: String) {
            let all = workers
            let free = Set(all.filter { _ in random.next() % 3 != 0 })
            guard let placement = try? table.placement(of: id, isFree: { free.contains($0) }),
                let key = table.key(of: id)
            else {
                #expect(table.key(of: id) == nil, "only one that is not there is refused")
                return
            }
            switch placement {
            case .home(let worker):
                #expect(states[worker]?[key] != nil, "the home has the state")
                place(key, on: worker)
            case .waits(let worker): #expect(workers.contains(worker))
            case .anywhere(let rehydration):
                guard let worker = pick(free.sorted { $0.number < $1.number }) else { return }
                #expect(rehydration.spec == .string(id))
                let state = rehydration.checkpoint?.version ?? 0
                #expect(rehydration.checkpoint?.state.int ?? 0 == state)
                #expect(state == saved[key], "nothing that was saved is lost")
                place(key, on: worker)
                states[worker, default: [:]][key] = state
            }
        }

        mutating func place(_ key: SessionKey, on worker: WorkerID) {
            perform(table.placed(key, on: worker, at: now))
            running.append((key, worker))
        }

        mutating func answer() {
            guard !running.isEmpty else { return }
            let (id, worker) = running.remove(at: Int(random.next() % UInt64(running.count)))
            let isComplete = random.next() % 5 != 0
            // What the worker does with a session that was forgotten there, nobody sees.
            if isComplete, states[worker]?[id] != nil { states[worker]?[id]? += 1 }
            perform(table.callEnded(id, by: worker, isComplete: isComplete, at: now))
        }

        mutating func save() throws {
            guard !saving.isEmpty else { return }
            // Each worker answers its questions in their order.
            let (id, worker, version, state) = saving.removeFirst()
            if random.next() % 8 == 0 {
                table.savingFailed(id, by: worker)
                return
            }
            let given = Checkpoint(version: version, state: .int(Int64(state)), bytes: 1)
            perform(try table.saved(id, given, by: worker))
            if let kept = table.checkpoint(of: id) { saved[id] = kept.version }
        }

        mutating func endWorker() {
            guard let worker = pick(workers) else { return }
            running.removeAll { $0.worker == worker }
            saving.removeAll { $0.worker == worker }
            states[worker] = nil
            perform(table.workerEnded(worker))
            workers.removeAll { $0 == worker }
            workers.append(
                WorkerID(number: worker.number, incarnation: worker.incarnation + 1)
            )
        }

        mutating func leave() {
            guard let worker = pick(workers) else { return }
            perform(table.workerLeaves(worker))
        }
    }

    @Test(arguments: 0..<40)
    func `whatever happens, a session goes on from what was saved last`(seed: UInt64) throws {
        var world = World(seed: seed)
        for _ in 0..<2_000 { try world.step() }
        for (id, version) in world.saved {
            #expect(world.table.checkpoint(of: id)?.version ?? 0 == version)
        }
        #expect(world.lost > 0, "a run in which nothing is lost has tried nothing")
    }
}
