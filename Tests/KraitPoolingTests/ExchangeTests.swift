import KraitWire
import Testing

@testable import KraitPooling

/// Streams and tools, as the pool decides on them.
@Suite struct ExchangeTests {
    private func streaming(
        credit: Int = 2,
        workers: Int = 1,
        slots: Int = 1
    ) throws -> (pool: PoolStateMachine, id: CallID, worker: WorkerID) {
        var pool = PoolStateMachine.started(workers: workers, ready: workers, slots: slots)
        let (id, worker) = try pool.sentCall(CallTraits(credit: credit, hasTools: true))
        return (pool, id, worker)
    }

    @Test func `chunks are passed on and keep the slot until the end`() throws {
        var (pool, id, worker) = try streaming()
        for number: UInt32 in 0..<2 {
            let passed = pool.chunkCame(id, by: worker, number: number, bytes: 9, at: at(1))
            #expect(passed == .init(isAwaited: true, actions: []))
        }
        #expect(pool.freeSlots == 0)
        #expect(pool.objected(to: id, by: worker, endAfter: 2, at: at(2)).isEmpty)
        #expect(pool.answered(id, by: worker).isAwaited)
        #expect(pool.freeSlots == 1 && !pool.hasExchanges)
    }

    @Test(
        arguments: [
            (1, 0, ExchangeViolation.gap(expected: 0, found: 1)), (0, 40_000, nil), (0, 0, nil),
        ] as [(UInt32, Int, ExchangeViolation?)]
    )
    func `a chunk costs credit by its size`(
        number: UInt32,
        bytes: Int,
        violation: ExchangeViolation?
    ) throws {
        var exchange = CallExchange(credit: 2, hasTools: false)
        #expect(exchange.chunkCame(number, bytes: bytes) == violation)
        guard violation == nil else { return }
        // 40,000 bytes cost three.
        #expect(exchange.credit == (bytes > 0 ? -1 : 1))
        #expect(exchange.chunkCame(1, bytes: 0) == (bytes > 0 ? .overdrawn : nil))
    }

    @Test func `a violation fails its call alone and retires the worker`() throws {
        var (pool, id, worker) = try streaming(slots: 2)
        let (other, _) = try pool.sentCall()
        let passed = pool.chunkCame(id, by: worker, number: 7, bytes: 0, at: at(1))
        #expect(!passed.isAwaited)
        let violation = ExchangeViolation.gap(expected: 0, found: 7)
        #expect(
            passed.actions == [
                .cancel(id, at: worker),
                .fail(id, .protocolViolated(worker, violation.description)),
                .distrusted(worker, violation),
            ]
        )
        #expect(pool.phases == [.retiring])
        // What else it sends of the call is late.
        let late = pool.chunkCame(id, by: worker, number: 8, bytes: 0, at: at(2))
        #expect(late == .init(isAwaited: false, actions: []))
        let answered = pool.answered(other, by: worker)
        #expect(answered.isAwaited)
        #expect(answered.actions == [.stop(worker, .stuck)])
    }

    @Test func `a chunk for a call that is over is held against the worker`() throws {
        var (pool, id, worker) = try streaming()
        _ = pool.answered(id, by: worker)
        let passed = pool.chunkCame(id, by: worker, number: 0, bytes: 0, at: at(1))
        #expect(passed.actions == [.distrusted(worker, .notItsCall), .stop(worker, .closing)])
    }

    @Test func `late chunks of an abandoned call are discarded`() throws {
        var (pool, id, worker) = try streaming()
        #expect(pool.callCancelled(id, at: at(1)).count == 2)
        let passed = pool.chunkCame(id, by: worker, number: 0, bytes: 0, at: at(2))
        #expect(passed == .init(isAwaited: false, actions: []))
        #expect(pool.gave(5, to: id).isEmpty)
    }

    @Test func `credit goes to the worker that has the call`() throws {
        var (pool, id, worker) = try streaming(credit: 1)
        #expect(pool.gave(3, to: id) == [.credit(id, 3, at: worker)])
        for number: UInt32 in 0..<4 {
            #expect(pool.chunkCame(id, by: worker, number: number, bytes: 0, at: at(1)).isAwaited)
        }
        #expect(!pool.chunkCame(id, by: worker, number: 4, bytes: 0, at: at(1)).isAwaited)
    }

    @Test(
        arguments: [
            (nil, ExchangeViolation.replyToStream), (1, .gap(expected: 0, found: 1)), (0, nil),
        ] as [(UInt32?, ExchangeViolation?)]
    )
    func `an end must fit its stream`(count: UInt32?, violation: ExchangeViolation?) throws {
        var (pool, id, worker) = try streaming()
        let actions = pool.objected(to: id, by: worker, endAfter: count, at: at(1))
        #expect(
            actions.contains { $0 == .distrusted(worker, violation ?? .overdrawn) }
                == (violation != nil)
        )
        #expect(pool.answered(id, by: worker).isAwaited == (violation == nil))
    }

    @Test func `only what has not begun is made again`() throws {
        for hasBegun in [false, true] {
            var pool = PoolStateMachine.started(ready: 1)
            let traits = CallTraits(isIdempotent: true, credit: 2)
            let (id, worker) = try pool.sentCall(traits)
            if hasBegun { _ = pool.chunkCame(id, by: worker, number: 0, bytes: 0, at: at(1)) }
            let first = pool.exit(0, .silent, at: at(2)).first
            if hasBegun {
                #expect(first == .fail(id, .workerSilent(worker)))
            } else if case .retry(id, _) = first {
            } else {
                Issue.record("\(String(describing: first))")
            }
        }
    }

    @Test func `a tool call lends the slot to calls from within tools alone`() throws {
        var (pool, id, worker) = try streaming()
        let ordinary = try pool.queuedCall()
        let early = try pool.queuedCall(CallTraits(isNested: true))
        let passed = pool.toolWasCalled(id, by: worker, number: 0, at: at(1))
        #expect(passed == .init(isAwaited: true, actions: [.send(early, to: worker)]))
        // One is lent, and taken.
        let second = try pool.queuedCall(CallTraits(isNested: true))
        let answered = pool.answered(early, by: worker)
        #expect(answered.actions == [.send(second, to: worker)])
        _ = pool.answered(second, by: worker)
        #expect(pool.toolAnswered(id) == worker)
        #expect(pool.toolAnswered(id) == nil)
        // Nothing is lent any more.
        let third = try pool.queuedCall(CallTraits(isNested: true))
        let last = pool.answered(id, by: worker)
        #expect(last.actions == [.send(third, to: worker)])
        #expect(pool.answered(third, by: worker).actions == [.send(ordinary, to: worker)])
        #expect(pool.answered(ordinary, by: worker).isAwaited && pool.freeSlots == 1)
    }

    @Test func `a pool that drains still serves what the tools of its calls call`() throws {
        var (pool, id, worker) = try streaming()
        #expect(pool.drainRequested().isEmpty)
        _ = pool.toolWasCalled(id, by: worker, number: 0, at: at(1))
        let (nested, _) = try pool.sentCall(CallTraits(isNested: true))
        _ = pool.answered(nested, by: worker)
        #expect(pool.arrival(deadline: nil, at: at(1)) == .refused(.shuttingDown(sent: false)))
        #expect(pool.answered(id, by: worker).actions.contains(.stop(worker, .closing)))
    }

    @Test func `tool calls are bounded and numbered`() {
        var exchange = CallExchange(credit: 0, hasTools: true)
        #expect(exchange.toolWasCalled(1) == .gap(expected: 0, found: 1))
        for number in 0..<UInt32(Limits.toolCalls) {
            #expect(exchange.toolWasCalled(number) == nil)
        }
        #expect(exchange.toolWasCalled(UInt32(Limits.toolCalls)) == .tooManyToolCalls)
        #expect(exchange.chunkCame(0, bytes: 0) == .noStream)
        var without = CallExchange(credit: 1, hasTools: false)
        #expect(without.toolWasCalled(0) == .noTools)
    }
}
