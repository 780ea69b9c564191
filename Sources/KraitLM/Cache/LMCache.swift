import KraitObservability

/// What a gateway's cache holds.
public struct LMCacheSettings: Sendable, Hashable {
    /// How many answers are kept in memory; 0 for no cache at all.
    public var entries: Int
    /// How many bytes the requests' and the answers' texts have at most.
    public var bytes: Int

    /// What a cache holds.
    public init(entries: Int = 10_000, bytes: Int = 256 << 20) {
        self.entries = entries
        self.bytes = bytes
    }
}

/// Answers by their requests.
final class LMCache: Sendable {
    private let memory: Lock<RecentAnswers>
    let isOn: Bool

    init(_ settings: LMCacheSettings) {
        isOn = settings.entries > 0
        memory = Lock(RecentAnswers(entries: settings.entries, bytes: settings.bytes))
    }

    /// The answer, as one from the cache.
    func find(_ key: LMCacheKey) -> LMResponse? {
        memory.withLock { $0.find(key) }?.asCached
    }

    func put(_ response: LMResponse, under key: LMCacheKey) {
        // Such an answer is none: another try may well be whole.
        guard response.completions.allSatisfy({ $0.finishReason != .contentFilter }) else { return }
        memory.withLock { $0.put(response, under: key) }
    }
}

/// The answers used last, bounded in number and bytes; pure.
struct RecentAnswers: Sendable {
    private struct Entry {
        var response: LMResponse
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

    mutating func find(_ key: LMCacheKey) -> LMResponse? {
        guard let entry = take(key) else { return nil }
        push(key, entry)
        return entry.response
    }

    mutating func put(_ response: LMResponse, under key: LMCacheKey) {
        _ = take(key)
        let size = Self.size(of: response) + key.bytes.count
        guard size <= mostBytes, most > 0 else { return }
        push(key, Entry(response: response, size: size))
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

    /// What an answer takes, about.
    static func size(of response: LMResponse) -> Int {
        response.completions.reduce(512) { sum, completion in
            let calls = completion.toolCalls.reduce(0) {
                $0 + 64 + $1.arguments.utf8.count + $1.name.utf8.count
            }
            let texts = (completion.text?.utf8.count ?? 0) + (completion.reasoning?.utf8.count ?? 0)
            // A token's probability is a map of some entries.
            return sum + 256 + texts + calls
                + (completion.logprobs == nil ? 0 : 64 * max(64, texts))
        }
    }
}
