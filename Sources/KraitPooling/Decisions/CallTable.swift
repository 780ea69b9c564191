/// Names a call within its pool's life: the place in the table in the low 24 bits, the place's
/// generation above, so that an answer that comes late can never be taken for a newer call's.
package struct CallID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    init(index: Int, generation: UInt64) {
        rawValue = generation << Self.indexBits | UInt64(index)
    }

    /// The place in the table, below `CallTable.maximumCount`.
    package var index: Int { Int(rawValue & ((1 << Self.indexBits) - 1)) }
    var generation: UInt64 { rawValue >> Self.indexBits }

    static let indexBits = 24
    static let lastGeneration: UInt64 = 1 << (UInt64.bitWidth - indexBits) - 1

    /// The generation that follows; never 0, so that no call is named 0.
    static func generation(after generation: UInt64) -> UInt64 {
        generation == lastGeneration ? 1 : generation + 1
    }
}

/// The calls of a pool: those that wait, in order, and those that workers have.
///
/// Entries are kept in one array and linked by index, so that arriving, leaving the middle of the
/// queue and finishing are O(1) and allocate nothing once the array has grown. Deadlines are not
/// sorted: `earliestDeadline` is a lower bound, and the table is walked only when that has passed,
/// which with calls much shorter than their deadlines is about once in a deadline's time.
struct CallTable: Equatable {
    typealias Instant = ContinuousClock.Instant

    /// Where a call is.
    ///
    /// Free entries become queued or sent; queued become sent or free; sent become free (answered,
    /// or the worker ended) or abandoned; abandoned become free.
    enum Phase: Equatable {
        case free
        case queued
        case sent(worker: Int)
        /// Nobody waits for it any more, but the worker may still be at it.
        case abandoned(worker: Int, since: Instant)
    }

    struct Entry: Equatable {
        var generation: UInt64 = 1
        var phase = Phase.free
        var deadline: Instant?
        fileprivate var previous = none
        fileprivate var next = none
    }

    static let maximumCount = 1 << CallID.indexBits
    private static let none = -1

    private(set) var entries: [Entry] = []
    private var firstFree = none
    private var head = none
    private var tail = none
    private(set) var queued = 0
    /// Calls that workers have, abandoned ones included.
    private(set) var sent = 0
    private(set) var earliestDeadline: Instant?

    /// Queued calls and calls that somebody still waits for at a worker, and abandoned ones.
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

    /// Adds a call at the end of the queue.
    mutating func enqueue(deadline: Instant?) -> CallID {
        let index = take(.queued, deadline: deadline)
        entries[index].previous = tail
        if tail == Self.none { head = index } else { entries[tail].next = index }
        tail = index
        queued += 1
        return id(at: index)
    }

    /// Adds a call that goes to a worker at once.
    mutating func addSent(to worker: Int, deadline: Instant?) -> CallID {
        let index = take(.sent(worker: worker), deadline: deadline)
        sent += 1
        return id(at: index)
    }

    /// Moves the first of the queue to a worker.
    mutating func sendFirst(to worker: Int) -> CallID? {
        guard head != Self.none else { return nil }
        let index = head
        unlink(index)
        queued -= 1
        sent += 1
        entries[index].phase = .sent(worker: worker)
        return id(at: index)
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
            unlink(index)
            queued -= 1
        case .sent, .abandoned: sent -= 1
        }
        entries[index].phase = .free
        entries[index].deadline = nil
        entries[index].generation = CallID.generation(after: entries[index].generation)
        entries[index].next = firstFree
        firstFree = index
    }

    /// Finds anew what the next deadline is; to be called after those that passed are dealt with.
    mutating func refreshEarliestDeadline() {
        earliestDeadline = nil
        for entry in entries {
            guard let deadline = entry.deadline else { continue }
            earliestDeadline = earliestDeadline.map { min($0, deadline) } ?? deadline
        }
    }

    // MARK: Links

    private mutating func take(_ phase: Phase, deadline: Instant?) -> Int {
        let index: Int
        if firstFree == Self.none {
            precondition(entries.count < Self.maximumCount, "the pool's bound was not kept")
            index = entries.count
            entries.append(Entry())
        } else {
            index = firstFree
            firstFree = entries[index].next
            entries[index].next = Self.none
        }
        entries[index].phase = phase
        entries[index].deadline = deadline
        if let deadline {
            if let earliest = earliestDeadline {
                if deadline < earliest { earliestDeadline = deadline }
            } else {
                earliestDeadline = deadline
            }
        }
        return index
    }

    private mutating func unlink(_ index: Int) {
        let (previous, next) = (entries[index].previous, entries[index].next)
        if previous == Self.none { head = next } else { entries[previous].next = next }
        if next == Self.none { tail = previous } else { entries[next].previous = previous }
        entries[index].previous = Self.none
        entries[index].next = Self.none
    }
}
