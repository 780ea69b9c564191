/// Workers that somebody starts elsewhere, and that come by themselves.
///
/// A guest is leased, watched and told to leave like any other worker. Only its beginning differs:
/// the pool cannot start one, and does not wait for one. It is neither resized, nor recycled, nor
/// counted among those that the pool is to have.
extension PoolStateMachine {
    /// Why a guest is not taken.
    package enum Refusal: Equatable, Sendable {
        /// As many are there as the pool takes.
        case full(limit: Int)
        /// The pool takes no workers now: it is drained, has failed, or closes.
        case closed(State)
    }

    /// The places of the workers that the pool starts itself.
    var ownPlaces: [Int] { workers.indices.filter { !workers[$0].isGuest } }

    /// The workers that the pool starts itself.
    var own: [Worker] { workers.filter { !$0.isGuest } }

    /// Whether the pool itself is to have a worker at the place.
    func isWanted(_ number: Int) -> Bool {
        !workers[number].isGuest && workers[..<number].count { !$0.isGuest } < target
    }

    /// A worker has come from elsewhere; where it is taken it has a place from now on, and is on
    /// its way up.
    package mutating func guestArrived(at now: Instant) -> Result<WorkerID, GuestRefused> {
        guard state == .starting || state == .ready else {
            return .failure(GuestRefused(.closed(state)))
        }
        // The pool's own come first, so that their numbers do not depend on who came before.
        guard !workers.isEmpty else { return .failure(GuestRefused(.closed(state))) }
        let there = workers.count { $0.isGuest && $0.isAlive }
        guard there < configuration.guests else {
            return .failure(GuestRefused(.full(limit: configuration.guests)))
        }
        let free = workers.indices.first { workers[$0].isGuest && workers[$0].phase == .gone }
        let number = free ?? workers.count
        if free == nil {
            workers.append(Worker(phase: .gone, since: now))
            workers[number].isGuest = true
        }
        workers[number].departure = nil
        _ = start(number, at: now)
        return .success(workerID(number))
    }

    /// A worker is about to leave by itself: it gets no new calls, and is let go once those it has
    /// are done.
    package mutating func workerLeaves(_ id: WorkerID) -> [PoolAction] {
        guard isCurrent(id), workers[id.number].isReady else { return [] }
        return retire(id.number, .left)
    }
}

/// A guest was not taken.
package struct GuestRefused: Error, Equatable {
    package var reason: PoolStateMachine.Refusal
    init(_ reason: PoolStateMachine.Refusal) { self.reason = reason }
}
