import KraitWire

/// The calls of a pool: those that wait, in order, and those that workers have.
///
/// Entries are kept in one array and known by their place, so that arriving, leaving the middle of
/// the queue and finishing are O(1) and allocate nothing once the array has grown. Deadlines are
/// not sorted: `earliestDeadline` is a lower bound, and the table is walked only when that has
/// passed, which with calls much shorter than their deadlines is about once in a deadline's time.
struct CallTable: Equatable {
    typealias Instant = Moment

    /// Where a call is.
    ///
    /// Free entries become queued, isolated or sent; those that wait become sent or free; sent
    /// become free (answered, or the worker ended), delayed (to be made again), queued (it was not
    /// begun) or abandoned; delayed become queued, isolated or free; abandoned become free. Those
    /// of sessions are pinned in the place of queued.
    enum Phase: Equatable {
        case free
        case queued
        /// Waits until a worker has nothing else to do.
        case isolated
        /// Was made from within a tool: waits for a slot, lent ones included.
        case nested
        /// Waits for the one worker that has its session.
        case pinned(worker: Int)
        /// Is to be made again at `until`.
        case delayed(until: Instant)
        case sent(worker: Int)
        /// Nobody waits for it any more, but the worker may still be at it.
        case abandoned(worker: Int, since: Instant)
    }

    struct Entry: Equatable {
        var generation: UInt64 = 1
        var phase = Phase.free
        var deadline: Instant?
        var ticket = Ticket()
        /// How often it was sent to a worker.
        var attempts = 0
        /// How often a worker would not begin it.
        var refusals = 0
        /// When it was sent the last time.
        var sentAt: Instant?

        /// Whether a worker has or had it.
        var wasSent: Bool { attempts > 0 }

        /// Whether it is for no worker yet, or again.
        var isWaiting: Bool {
            switch phase {
            case .queued, .isolated, .nested, .pinned, .delayed: true
            case .free, .sent, .abandoned: false
            }
        }
    }

    /// What a call was admitted with.
    struct Ticket: Equatable {
        var caller: UInt64 = 0
        var priority = CallPriority.normal
        var isIdempotent = false
        /// Whether it was made from within a tool of a call of the pool's.
        var isNested = false
        /// The operation's breaker, and what that gave.
        var breaker = 0
        var permit: CircuitBreaker.Permit = -1
        /// Of its content, where a worker may have died of it.
        var fingerprint: UInt64?
    }

    static let maximumCount = 1 << CallID.indexBits

    private(set) var entries: [Entry] = []
    private var freePlaces: [Int] = []
    private(set) var lines = WaitingLines()
    /// The isolated calls, in order.
    private(set) var isolated: [Int] = []
    /// The calls from within tools that wait, in order.
    private(set) var nested: [Int] = []
    /// The calls that wait for one worker, in order, by its number; no list is empty.
    private(set) var pinned: [Int: [Int]] = [:]
    /// What sessions' calls are about, by the call's place.
    var sessions: [Int: SessionCall] = [:]
    /// What passes before the end of the calls that stream or have tools, by the call's place.
    var exchanges: [Int: CallExchange] = [:]
    /// Calls that wait: in line, isolated or delayed.
    private(set) var queued = 0
    /// Calls that workers have, abandoned ones included.
    private(set) var sent = 0
    private(set) var earliestDeadline: Instant?

    /// Calls that wait, those that somebody still waits for at a worker, and abandoned ones.
    var count: Int { queued + sent }

    func id(at index: Int) -> CallID { CallID(index: index, generation: entries[index].generation) }

    /// The call's place, or nil where it is over.
    func index(of id: CallID) -> Int? {
        let index = id.index
        guard index < entries.count, entries[index].generation == id.generation,
            entries[index].phase != .free
        else { return nil }
        return index
    }

    // MARK: Changes

    /// Adds a call that waits for its turn.
    mutating func enqueue(deadline: Instant?, _ ticket: Ticket = Ticket()) -> CallID {
        let index = take(.queued, deadline: deadline, ticket)
        lines.add(index, of: ticket.caller, ticket.priority)
        queued += 1
        return id(at: index)
    }

    /// Adds a call that waits for a worker of its own.
    mutating func isolate(deadline: Instant?, _ ticket: Ticket) -> CallID {
        let index = take(.isolated, deadline: deadline, ticket)
        isolated.append(index)
        queued += 1
        return id(at: index)
    }

    /// Notes what passes before a call's end, if anything does.
    mutating func exchange(_ id: CallID, _ exchange: CallExchange?) {
        if let exchange { exchanges[id.index] = exchange }
    }

    /// Adds a call from within a tool, which waits for a slot.
    mutating func addNested(deadline: Instant?, _ ticket: Ticket) -> CallID {
        let index = take(.nested, deadline: deadline, ticket)
        nested.append(index)
        queued += 1
        return id(at: index)
    }

    /// Adds a call that waits for one worker.
    mutating func addPinned(
        to worker: Int,
        _ call: SessionCall,
        deadline: Instant?,
        _ ticket: Ticket
    ) -> CallID {
        let index = take(.pinned(worker: worker), deadline: deadline, ticket)
        pinned[worker, default: []].append(index)
        sessions[index] = call
        queued += 1
        return id(at: index)
    }

    /// Lets a call that waits for nothing else wait for one worker, as the next.
    mutating func pin(_ index: Int, to worker: Int) {
        entries[index].phase = .pinned(worker: worker)
        pinned[worker, default: []].insert(index, at: 0)
    }

    /// Moves a call that waits for one worker there.
    mutating func sendPinned(_ index: Int, to worker: Int, at now: Instant) -> CallID {
        unpin(index, from: worker)
        return send(index, to: worker, at: now)
    }

    private mutating func unpin(_ index: Int, from worker: Int) {
        pinned[worker]?.removeAll { $0 == index }
        if pinned[worker]?.isEmpty == true { pinned[worker] = nil }
    }

    /// Adds a call that goes to a worker at once.
    mutating func addSent(
        to worker: Int,
        deadline: Instant?,
        _ ticket: Ticket = Ticket(),
        at now: Instant? = nil
    ) -> CallID {
        let index = take(.sent(worker: worker), deadline: deadline, ticket)
        entries[index].attempts = 1
        entries[index].sentAt = now
        sent += 1
        return id(at: index)
    }

    /// Moves the call whose turn it is to a worker.
    mutating func sendFirst(to worker: Int, at now: Instant? = nil) -> CallID? {
        guard let index = lines.takeFirst() else { return nil }
        return send(index, to: worker, at: now)
    }

    /// Moves the first of the isolated calls to a worker.
    mutating func sendIsolated(to worker: Int, at now: Instant) -> CallID? {
        guard !isolated.isEmpty else { return nil }
        return send(isolated.removeFirst(), to: worker, at: now)
    }

    /// Moves the first of the calls from within tools to a worker.
    mutating func sendNested(to worker: Int, at now: Instant) -> CallID? {
        guard !nested.isEmpty else { return nil }
        return send(nested.removeFirst(), to: worker, at: now)
    }

    private mutating func send(_ index: Int, to worker: Int, at now: Instant?) -> CallID {
        queued -= 1
        sent += 1
        entries[index].phase = .sent(worker: worker)
        entries[index].attempts += 1
        entries[index].sentAt = now
        return id(at: index)
    }

    /// Takes a sent call back, to be made again later.
    mutating func delay(_ index: Int, until instant: Instant) {
        takeBack(index, .delayed(until: instant))
    }

    /// Takes a sent call back that was not begun; it is the next of its caller.
    ///
    /// - Parameter worker: the one that has its session, where it is of one.
    mutating func requeue(_ index: Int, pinnedTo worker: Int? = nil) {
        takeBack(index, .queued)
        entries[index].attempts -= 1
        entries[index].refusals += 1
        if let worker { pin(index, to: worker) } else { waitFirst(index) }
    }

    /// Lets a call wait as the next of its caller.
    private mutating func waitFirst(_ index: Int) {
        let ticket = entries[index].ticket
        if ticket.isNested {
            entries[index].phase = .nested
            nested.insert(index, at: 0)
        } else {
            entries[index].phase = .queued
            lines.add(index, of: ticket.caller, ticket.priority, first: true)
        }
    }

    private mutating func takeBack(_ index: Int, _ phase: Phase) {
        guard case .sent = entries[index].phase else {
            preconditionFailure("only a sent call can be taken back, not \(entries[index].phase)")
        }
        entries[index].phase = phase
        sent -= 1
        queued += 1
    }

    /// Lets a delayed call wait for its turn, as the next of its caller.
    mutating func resume(_ index: Int, isolated isAlone: Bool) {
        if isAlone {
            entries[index].phase = .isolated
            isolated.append(index)
        } else {
            waitFirst(index)
        }
    }

    /// Takes a call's permit, which is used once.
    mutating func takePermit(of index: Int) { entries[index].ticket.permit = -1 }

    /// Notes what a call's content is, once that matters.
    mutating func mark(_ index: Int, _ fingerprint: UInt64) {
        entries[index].ticket.fingerprint = fingerprint
    }

    /// Marks a sent call as one that nobody waits for.
    mutating func abandon(_ index: Int, at now: Instant) {
        guard case .sent(let worker) = entries[index].phase else {
            preconditionFailure("only a sent call can be abandoned, not \(entries[index].phase)")
        }
        entries[index].phase = .abandoned(worker: worker, since: now)
        entries[index].deadline = nil
    }

    /// Ends a call, wherever it is.
    mutating func remove(_ index: Int) {
        switch entries[index].phase {
        case .free: preconditionFailure("a free entry cannot be removed")
        case .queued:
            lines.remove(index)
            queued -= 1
        case .isolated:
            isolated.removeAll { $0 == index }
            queued -= 1
        case .nested:
            nested.removeAll { $0 == index }
            queued -= 1
        case .pinned(let worker):
            unpin(index, from: worker)
            queued -= 1
        case .delayed: queued -= 1
        case .sent, .abandoned: sent -= 1
        }
        if !sessions.isEmpty { sessions[index] = nil }
        if !exchanges.isEmpty { exchanges[index] = nil }
        entries[index] = Entry(generation: CallID.generation(after: entries[index].generation))
        freePlaces.append(index)
    }

    /// Finds anew what the next deadline is; to be called after those that passed are dealt with.
    mutating func refreshEarliestDeadline() {
        earliestDeadline = nil
        for entry in entries {
            guard let deadline = entry.deadline else { continue }
            earliestDeadline = earliestDeadline.map { min($0, deadline) } ?? deadline
        }
    }

    private mutating func take(_ phase: Phase, deadline: Instant?, _ ticket: Ticket) -> Int {
        let index: Int
        if let free = freePlaces.popLast() {
            index = free
        } else {
            precondition(entries.count < Self.maximumCount, "the pool's bound was not kept")
            index = entries.count
            entries.append(Entry())
        }
        entries[index].phase = phase
        entries[index].deadline = deadline
        entries[index].ticket = ticket
        if let deadline {
            if let earliest = earliestDeadline {
                if deadline < earliest { earliestDeadline = deadline }
            } else {
                earliestDeadline = deadline
            }
        }
        return index
    }
}
