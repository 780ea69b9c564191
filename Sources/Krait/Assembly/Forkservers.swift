import KraitObservability
import KraitPooling
import KraitWorkers

/// A pool's forkserver, and those before it whose workers have not all left.
///
/// Used on the thread of the pool.
final class Forkservers: Sendable {
    private struct State {
        var current: Forkserver
        var earlier: [Forkserver] = []
        var isStopped = false
    }

    private let make: @Sendable () -> Forkserver
    private let state: Lock<State>

    /// `make` is asked for each new one, so that what it finds (the interpreter) is of that moment.
    init(_ make: @escaping @Sendable () -> Forkserver) {
        self.make = make
        state = Lock(State(current: make()))
    }

    /// The one that makes workers.
    var current: Forkserver { state.withLock { $0.current } }

    /// Puts a new one, which loads the adapter when the first worker needs it, in the place of the
    /// present one.
    func replace() { install(make()) }

    /// Lets a new one load the adapter, and puts it in the place of the present one if it can.
    func reload() async throws(ReloadError) {
        let new = make()
        // Among those that `stop` ends, from the first moment on.
        let isStopped = state.withLock { state in
            state.earlier.append(new)
            return state.isStopped
        }
        do throws(LaunchError) {
            if isStopped { await new.stop() }
            try await new.load()
        } catch {
            await new.stop()
            state.withLock { $0.earlier.removeAll { $0 === new } }
            throw ReloadError(error.reason)
        }
        install(new)
    }

    /// Ends all of them, and returns once they are gone.
    func stop() async {
        let all = state.withLock { state in
            state.isStopped = true
            return state.earlier + [state.current]
        }
        for forkserver in all { await forkserver.stop() }
    }

    private func install(_ new: Forkserver) {
        let (old, ended) = state.withLock { state in
            let ended = state.earlier.filter { $0.assumeIsolated { $0.isEnded } }
            state.earlier.removeAll { earlier in
                earlier === new || ended.contains { $0 === earlier }
            }
            state.earlier.append(state.current)
            defer { state.current = new }
            return (state.current, ended)
        }
        withExtendedLifetime(ended) {}
        old.assumeIsolated { $0.retire() }
    }
}
