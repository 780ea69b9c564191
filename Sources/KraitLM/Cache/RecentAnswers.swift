/// The answers used last, bounded in number and bytes; pure.
struct RecentAnswers: Sendable {
    private struct Entry {
        var answer: CachedAnswer
        var size: Int
        var newer: LMCacheKey?
        var older: LMCacheKey?
    }

    private let most: Int
    private let mostBytes: Int
    private var entries: [LMCacheKey: Entry] = [:]
    private var newest: LMCacheKey?
    private var oldest: LMCacheKey?
    private(set) var bytes = 0

    var count: Int { entries.count }

    init(entries: Int, bytes: Int) {
        most = entries
        mostBytes = bytes
    }

    mutating func find(_ key: LMCacheKey) -> CachedAnswer? {
        guard let entry = take(key) else { return nil }
        push(key, entry)
        return entry.answer
    }

    mutating func put(_ answer: CachedAnswer, under key: LMCacheKey) {
        _ = take(key)
        let size = answer.size + key.bytes.count
        guard size <= mostBytes, most > 0 else { return }
        push(key, Entry(answer: answer, size: size))
        while entries.count > most || bytes > mostBytes, let oldest { _ = take(oldest) }
    }

    private mutating func take(_ key: LMCacheKey) -> Entry? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        bytes -= entry.size
        if let newer = entry.newer {
            entries[newer]?.older = entry.older
        } else {
            newest = entry.older
        }
        if let older = entry.older {
            entries[older]?.newer = entry.newer
        } else {
            oldest = entry.newer
        }
        return entry
    }

    private mutating func push(_ key: LMCacheKey, _ entry: Entry) {
        var entry = entry
        (entry.newer, entry.older) = (nil, newest)
        if let newest { entries[newest]?.newer = key } else { oldest = key }
        newest = key
        entries[key] = entry
        bytes += entry.size
    }
}
