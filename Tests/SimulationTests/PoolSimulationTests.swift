import Foundation
import KraitTestSupport
import Testing

@testable import KraitPooling

/// A pool's machine in seeded worlds full of misfortune.
///
/// A failing run prints its seed; `KRAIT_SIMULATION_SEED=n swift test --filter SimulationTests`
/// replays it alone, and `KRAIT_SIMULATION_RUNS=n` makes more worlds than usual.
@Suite struct PoolSimulationTests {
    static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["KRAIT_SIMULATION_SEED"].flatMap(UInt64.init) {
            return seed..<seed + 1
        }
        return 0..<(environment["KRAIT_SIMULATION_RUNS"].flatMap(UInt64.init) ?? 2_000)
    }()

    @Test func `in every world each accepted call ends once and nothing hangs`() {
        var total = PoolWorld.Ends()
        for seed in Self.seeds {
            var world = PoolWorld(seed: seed)
            do throws(PoolWorld.Violation) {
                try world.run()
            } catch {
                Issue.record(
                    """
                    \(error); replay with KRAIT_SIMULATION_SEED=\(seed) \
                    (event \(world.ends.events), at \(world.now) ms)
                    """
                )
            }
            total.add(world.ends)
        }
        // The worlds together are to know every misfortune, or they prove little.
        guard Self.seeds.count >= 2_000 else { return }
        #expect(total.refused > 1_000 && total.answered > 10_000 && total.discarded > 1_000)
        #expect(total.cancelled > 1_000 && total.expired > 1_000 && total.lost > 500)
        #expect(total.shutDown > 50 && total.poolFailed > 10)
        #expect(total.started > 1_000 && total.stuck > 50)
        #expect(total.retried > 200 && total.displaced > 200 && total.broken > 100)
        #expect(total.quarantined > 300 && total.isolated > 50 && total.limited > 1_000)
        #expect(total.steered > 200 && total.recycled > 200 && total.paused > 20)
        #expect(total.overdue > 10 && total.recovering > 20 && total.drained > 10)
        #expect(total.warned > 5)
        #expect(total.chunks > 1_000 && total.toolCalls > 1_000 && total.violated > 100)
        #expect(total.nested > 500 && total.beyond > 100)
    }

    @Test func `a world can be replayed from its seed`() throws {
        for seed in Self.seeds.prefix(5) {
            var first = PoolWorld(seed: seed)
            var second = PoolWorld(seed: seed)
            try first.run()
            try second.run()
            #expect(first.ends == second.ends && first.now == second.now)
            #expect(first.pool.workers.map(\.incarnation) == second.pool.workers.map(\.incarnation))
        }
    }
}

extension PoolWorld.Ends {
    fileprivate mutating func add(_ other: Self) {
        refused += other.refused
        answered += other.answered
        discarded += other.discarded
        cancelled += other.cancelled
        expired += other.expired
        lost += other.lost
        retried += other.retried
        displaced += other.displaced
        broken += other.broken
        quarantined += other.quarantined
        isolated += other.isolated
        limited += other.limited
        dropped += other.dropped
        shutDown += other.shutDown
        poolFailed += other.poolFailed
        started += other.started
        stuck += other.stuck
        steered += other.steered
        drained += other.drained
        paused += other.paused
        recycled += other.recycled
        overdue += other.overdue
        recovering += other.recovering
        warned += other.warned
        chunks += other.chunks
        toolCalls += other.toolCalls
        nested += other.nested
        beyond += other.beyond
        violated += other.violated
    }
}
