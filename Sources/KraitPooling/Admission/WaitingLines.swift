import KraitWire

/// The order in which waiting calls are served: by priority first, then the callers in turn, then
/// as they came.
///
/// A caller with a thousand calls does not keep one with a single call waiting, and calls of low
/// priority get one turn in `patience` while more urgent ones keep coming. Calls are known by their
/// place in the call table; all changes are O(1) but `victim`.
struct WaitingLines: Equatable {
    /// So often a waiting lane is passed over before it has a turn.
    static let patience = 8
    private static let none = -1

    private struct Link: Equatable {
        var previous = none
        var next = none
        var line = none
    }

    /// The calls of one caller in one lane, and its place in the ring of lines.
    private struct Line: Equatable {
        var caller: UInt64
        var lane: Int
        var head = none
        var tail = none
        var count = 0
        var previous = none
        var next = none
    }

    private struct Lane: Equatable {
        /// The line whose turn it is.
        var cursor = none
        var lines: [UInt64: Int] = [:]
        var passedOver = 0
    }

    private var links: [Link] = []
    private var lines: [Line] = []
    private var freeLines: [Int] = []
    private var lanes = Array(repeating: Lane(), count: CallPriority.allCases.count)
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    // MARK: Changes

    /// Adds a call behind the others of its caller, or before them where it has waited already.
    mutating func add(
        _ index: Int,
        of caller: UInt64,
        _ priority: CallPriority,
        first: Bool = false
    ) {
        while links.count <= index { links.append(Link()) }
        let place = line(of: caller, in: priority.rawValue)
        links[index].line = place
        if first {
            links[index].next = lines[place].head
            links[index].previous = Self.none
            if lines[place].head == Self.none {
                lines[place].tail = index
            } else {
                links[lines[place].head].previous = index
            }
            lines[place].head = index
        } else {
            links[index].previous = lines[place].tail
            links[index].next = Self.none
            if lines[place].tail == Self.none {
                lines[place].head = index
            } else {
                links[lines[place].tail].next = index
            }
            lines[place].tail = index
        }
        lines[place].count += 1
        count += 1
    }

    /// Takes a call out, wherever it stands.
    mutating func remove(_ index: Int) {
        let link = links[index]
        precondition(link.line != Self.none, "a call that does not wait cannot leave the line")
        if link.previous == Self.none {
            lines[link.line].head = link.next
        } else {
            links[link.previous].next = link.next
        }
        if link.next == Self.none {
            lines[link.line].tail = link.previous
        } else {
            links[link.next].previous = link.previous
        }
        links[index] = Link()
        lines[link.line].count -= 1
        count -= 1
        if lines[link.line].count == 0 { close(link.line) }
    }

    /// Takes out the call whose turn it is.
    mutating func takeFirst() -> Int? {
        guard count > 0 else { return nil }
        let lane = nextLane()
        let place = lanes[lane].cursor
        lanes[lane].cursor = lines[place].next
        let index = lines[place].head
        remove(index)
        return index
    }

    /// The call that makes room for a new one of `caller` and `priority` in a full queue, if any
    /// is to: the newest of the caller with the most calls, of lower priority than the new one, or
    /// of equal priority where that caller has more calls waiting than the new one's.
    ///
    /// O(callers).
    func victim(for caller: UInt64, _ priority: CallPriority) -> Int? {
        for lane in 0...priority.rawValue where lanes[lane].cursor != Self.none {
            let longest = longestLine(in: lane)
            if lane < priority.rawValue { return lines[longest].tail }
            let own = lanes[lane].lines[caller].map { lines[$0].count } ?? 0
            return lines[longest].count > own + 1 ? lines[longest].tail : nil
        }
        return nil
    }

    // MARK: Lanes and lines

    /// The most urgent lane that has calls, unless another has been passed over too often.
    private mutating func nextLane() -> Int {
        var chosen = Self.none
        for lane in lanes.indices.reversed() where lanes[lane].cursor != Self.none {
            if chosen == Self.none || lanes[lane].passedOver >= Self.patience { chosen = lane }
        }
        for lane in 0..<chosen where lanes[lane].cursor != Self.none {
            lanes[lane].passedOver += 1
        }
        lanes[chosen].passedOver = 0
        return chosen
    }

    private func longestLine(in lane: Int) -> Int {
        let first = lanes[lane].cursor
        var longest = first
        var line = lines[first].next
        while line != first {
            if lines[line].count > lines[longest].count { longest = line }
            line = lines[line].next
        }
        return longest
    }

    /// The caller's line in a lane; a new one comes last in the ring.
    private mutating func line(of caller: UInt64, in lane: Int) -> Int {
        let cursor = lanes[lane].cursor
        if cursor != Self.none, lines[cursor].caller == caller { return cursor }
        if let known = lanes[lane].lines[caller] { return known }
        var line = Line(caller: caller, lane: lane)
        let place = freeLines.popLast() ?? lines.count
        if cursor == Self.none {
            (line.previous, line.next) = (place, place)
            lanes[lane].cursor = place
        } else {
            (line.previous, line.next) = (lines[cursor].previous, cursor)
            lines[line.previous].next = place
            lines[cursor].previous = place
        }
        if place == lines.count { lines.append(line) } else { lines[place] = line }
        lanes[lane].lines[caller] = place
        return place
    }

    private mutating func close(_ place: Int) {
        let line = lines[place]
        lanes[line.lane].lines[line.caller] = nil
        if line.next == place {
            lanes[line.lane].cursor = Self.none
            lanes[line.lane].passedOver = 0
        } else {
            lines[line.previous].next = line.next
            lines[line.next].previous = line.previous
            if lanes[line.lane].cursor == place { lanes[line.lane].cursor = line.next }
        }
        freeLines.append(place)
    }
}
