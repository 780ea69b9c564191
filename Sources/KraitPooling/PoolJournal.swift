import KraitObservability

/// The last events of a pool, so that whoever asks later can name what happened.
package struct PoolJournal: Sendable {
    /// How many events are kept.
    package static let limit = 20
    /// How much of an event's text is kept.
    private static let characters = 400

    /// One event.
    package struct Entry: Sendable, Equatable {
        package var event: Event
        package var worker: WorkerID?
        package var detail: String?
        package var at: Moment
    }

    /// The oldest first.
    package private(set) var entries: [Entry] = []

    package init() {}

    package mutating func add(_ entry: Entry) {
        var entry = entry
        entry.detail = entry.detail.map { String($0.prefix(Self.characters)) }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append(entry)
    }
}
