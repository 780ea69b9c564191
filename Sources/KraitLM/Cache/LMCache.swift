import KraitObservability

/// What a gateway's cache holds.
public struct LMCacheSettings: Sendable, Hashable {
    /// How many answers are kept in memory; 0 keeps none there.
    public var entries: Int
    /// How many bytes the requests' and the answers' texts have at most.
    public var bytes: Int
    /// The file in which answers outlive the process; nil keeps them in memory alone.
    public var disk: Disk?

    /// What a cache holds.
    public init(entries: Int = 10_000, bytes: Int = 256 << 20, disk: Disk? = nil) {
        self.entries = entries
        self.bytes = bytes
        self.disk = disk
    }

    /// A file of answers, which several processes may share.
    ///
    /// It holds what models answered, and of the requests a digest alone. Where it cannot be used
    /// calls go on without it, and the log says why.
    public struct Disk: Sendable, Hashable {
        /// Where it is; it is made where it is missing, in a folder that is there.
        public var file: String
        /// How many bytes its answers have at most; those that nobody asked for longest go first.
        public var bytes: Int

        /// A file of answers.
        public init(file: String, bytes: Int = 1 << 30) {
            self.file = file
            self.bytes = bytes
        }
    }
}

/// What is kept under a request's key.
enum CachedAnswer: Sendable, Hashable {
    case response(LMResponse)
    /// A text's embedding.
    case vector([Float])
}

/// Answers by their requests: those used last in memory, many more on disk.
final class LMCache: Sendable {
    private let memory: Lock<RecentAnswers>
    private let disk: LMDiskCache?
    let isOn: Bool

    init(_ settings: LMCacheSettings, events: EventSink = .none) {
        memory = Lock(RecentAnswers(entries: settings.entries, bytes: settings.bytes))
        disk = settings.disk.map { LMDiskCache($0, events: events) }
        isOn = settings.entries > 0 || settings.disk != nil
    }

    /// The answer, as one from the cache.
    func find(_ key: LMCacheKey) async -> LMResponse? {
        guard case .response(let response)? = await find([key])[0] else { return nil }
        return response.asCached
    }

    /// The answers of several requests, looked for on disk at one go.
    func find(_ keys: [LMCacheKey]) async -> [CachedAnswer?] {
        var found = memory.withLock { memory in keys.map { memory.find($0) } }
        let missing = keys.indices.filter { found[$0] == nil }
        guard let disk, !missing.isEmpty else { return found }
        for (index, answer) in zip(missing, await disk.find(missing.map { keys[$0] })) {
            guard let answer else { continue }
            found[index] = answer
            memory.withLock { $0.put(answer, under: keys[index]) }
        }
        return found
    }

    /// Keeps an answer in memory: it is found from now on.
    func remember(_ answer: CachedAnswer, under key: LMCacheKey) {
        guard answer.isWorthKeeping else { return }
        memory.withLock { $0.put(answer, under: key) }
    }

    /// Keeps answers on disk, where there is one.
    func save(_ answers: [(key: LMCacheKey, answer: CachedAnswer)]) async {
        await disk?.put(answers.filter { $0.answer.isWorthKeeping })
    }
}

extension CachedAnswer {
    /// What the API held back is no answer: another try may well be whole.
    fileprivate var isWorthKeeping: Bool {
        guard case .response(let response) = self else { return true }
        return response.completions.allSatisfy { $0.finishReason != .contentFilter }
    }

    /// What it takes, about.
    var size: Int {
        switch self {
        case .vector(let numbers): 512 + 4 * numbers.count
        case .response(let response): response.size
        }
    }
}

extension LMResponse {
    fileprivate var size: Int {
        completions.reduce(512) { sum, completion in
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
