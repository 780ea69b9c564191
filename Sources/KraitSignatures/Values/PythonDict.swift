import KraitWire

/// Python's `dict`: keys of any hashable kind in the order in which they first came.
///
/// Keys are the same as Python compares them, so `1`, `1.0` and `True` are one key. Small dicts
/// are searched in order; from `indexFrom` entries on there is a hash index.
package struct PythonDict: Sendable {
    /// A key and what is under it.
    package typealias Entry = (key: PythonValue, value: PythonValue)

    /// The entries in order, each key once.
    package private(set) var entries: [Entry] = []
    private var index: [PythonKey: Int] = [:]

    private static let indexFrom = 12

    /// A dict without entries.
    package init() {}

    /// A dict of entries whose keys are known to differ.
    package init(uniqueEntries: [(PythonValue, PythonValue)]) {
        entries = uniqueEntries.map { ($0.0, $0.1) }
        if entries.count >= Self.indexFrom { buildIndex() }
    }

    /// A dict of text keys; of a key that comes twice the last value stays.
    package init(_ entries: [(String, PythonValue)]) {
        for (key, value) in entries { self[key] = value }
    }

    /// Whether there are no entries.
    package var isEmpty: Bool { entries.isEmpty }
    /// How many entries there are.
    package var count: Int { entries.count }
    /// The keys in order.
    package var keys: [PythonValue] { entries.map(\.key) }

    /// The value under a text key; setting nil removes the entry.
    package subscript(key: String) -> PythonValue? {
        get { self[.string(key)] }
        set { self[.string(key)] = newValue }
    }

    /// The value under a key; setting nil removes the entry, a new key goes to the end.
    ///
    /// The key must be hashable, else nothing is found and nothing is set.
    package subscript(key: PythonValue) -> PythonValue? {
        get { position(of: key).map { entries[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil):
                entries.remove(at: place)
                if !index.isEmpty { buildIndex() }
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    private mutating func append(_ key: PythonValue, _ value: PythonValue) {
        entries.append((key, value))
        if !index.isEmpty, let hashed = PythonKey(key) {
            index[hashed] = entries.count - 1
        } else if entries.count == Self.indexFrom {
            buildIndex()
        }
    }

    private mutating func buildIndex() {
        index = [:]
        for (place, entry) in entries.enumerated() {
            if let hashed = PythonKey(entry.key) { index[hashed] = place }
        }
    }

    private func position(of key: PythonValue) -> Int? {
        if !index.isEmpty { return PythonKey(key).flatMap { index[$0] } }
        if case .string(let text) = key {
            return entries.firstIndex {
                if case .string(let other) = $0.key {
                    ExactText.isSame(other, text)
                } else {
                    false
                }
            }
        }
        return entries.firstIndex { $0.key.equals(key) }
    }
}

/// A hashable value as Python hashes it: numbers by what they are worth, text by its scalars.
package struct PythonKey: Hashable, Sendable {
    private indirect enum Form: Hashable, Sendable {
        case none
        case ellipsis
        case integer(Int64)
        case largeInteger(String)
        case float(Double)
        case complex(Double, Double)
        case text([UInt8])
        case bytes([UInt8])
        case tuple([PythonKey])
        case set(Set<PythonKey>)
        case object(String, String)
    }

    private let form: Form

    /// Nil for what Python does not hash.
    package init?(_ value: PythonValue) {
        switch value {
        case .none: form = .none
        case .ellipsis: form = .ellipsis
        case .bool(let flag): form = .integer(flag ? 1 : 0)
        case .int(let integer): form = .integer(integer)
        case .largeInteger(let digits): form = .largeInteger(digits)
        case .float(let number): form = Self.number(number)
        case .complex(let real, let imaginary):
            form = imaginary == 0 ? Self.number(real) : .complex(real, imaginary)
        case .string(let text): form = .text(Array(text.utf8))
        case .bytes(let bytes): form = .bytes(bytes)
        case .tuple(let items):
            var keys: [PythonKey] = []
            for item in items {
                guard let key = PythonKey(item) else { return nil }
                keys.append(key)
            }
            form = .tuple(keys)
        case .frozenset(let items): form = .set(Set(items.compactMap(PythonKey.init)))
        case .object(let instance):
            guard instance.memberName != nil || instance.fields == nil else { return nil }
            form = .object(instance.className, instance.representation)
        case .list, .set, .dict: return nil
        }
    }

    private static func number(_ value: Double) -> Form {
        if let integer = Int64(exactly: value) { return .integer(integer) }
        guard value.isFinite, value == value.rounded() else { return .float(value) }
        return .largeInteger(PythonValue.integerDigits(value))
    }
}
