/// A map with text keys that keeps its order, as Python's `dict` does.
///
/// Maps on the wire are small, so a look-up walks the entries: O(n). Keys are the same where their
/// UTF-8 is, as in Python, not where Swift's `==` holds them equal. Two maps are equal if they hold
/// the same entries, in whatever order (again as in Python).
public struct ValueMap: Sendable {
    /// A key and what is under it.
    public typealias Entry = (key: String, value: Value)

    /// The entries in order, each key once.
    public private(set) var entries: [Entry]

    /// A map without entries.
    public init() { entries = [] }

    /// A map of these entries, in this order.
    ///
    /// Of a key that comes twice the last value stays, in the first one's place.
    public init(_ entries: some Sequence<(String, Value)>) {
        self.entries = []
        self.entries.reserveCapacity(entries.underestimatedCount)
        var seen = SeenKeys()
        for (key, value) in entries {
            if seen.insert(key, mark: SeenKeys.mark(of: key), into: self.entries) {
                self.entries.append((key, value))
            } else {
                self[key] = value
            }
        }
    }

    /// A map of entries whose keys are known to differ: no check, for decoders that made one.
    package init(uniqueEntries: [Entry]) { entries = uniqueEntries }

    /// The value under a key: setting nil removes the entry, a new key goes to the end.
    public subscript(key: String) -> Value? {
        get { index(of: key).map { entries[$0].value } }
        set {
            switch (index(of: key), newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append((key, value))
            case (nil, nil): break
            }
        }
    }

    /// Whether the map has no entries.
    public var isEmpty: Bool { entries.isEmpty }
    /// How many entries the map has.
    public var count: Int { entries.count }
    /// The keys in order.
    public var keys: [String] { entries.map(\.key) }

    private func index(of key: String) -> Int? {
        entries.firstIndex { ExactText.isSame($0.key, key) }
    }
}

extension ValueMap: Hashable {
    /// Whether both hold equal values under the same keys, in whatever order.
    public static func == (left: ValueMap, right: ValueMap) -> Bool {
        guard left.count == right.count else { return false }
        var position = 0
        while position < left.count {
            let (this, that) = (left.entries[position], right.entries[position])
            guard ExactText.isSame(this.key, that.key) else { break }
            guard this.value == that.value else { return false }
            position += 1
        }
        // The rest comes in another order.
        guard position < left.count else { return true }
        let rest = Dictionary(
            right.entries[position...].map { (ExactText($0.key), $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
        return left.entries[position...].allSatisfy { rest[ExactText($0.key)] == $0.value }
    }

    /// Feeds the entries to a hasher, whatever their order.
    public func hash(into hasher: inout Hasher) {
        // Independent of the order, as equality is.
        var sum = 0
        for (key, value) in entries {
            var entry = Hasher()
            ExactText.hash(key, into: &entry)
            entry.combine(value)
            sum &+= entry.finalize()
        }
        hasher.combine(sum)
    }
}

extension ValueMap: ExpressibleByDictionaryLiteral {
    /// A map in the order written; of a key that comes twice the last value stays.
    public init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }
}
