import KraitObservability
import KraitWire

/// Signatures that were read before, so that a text that comes again costs a look instead of a
/// parse.
///
/// Holds a fixed number of schemas: a new one takes the place of the one of its neighbours that was
/// not asked for longest. Safe from any number of threads at once; texts that are no signature are
/// read anew each time, and never take a place.
public final class SchemaCache: Sendable {
    /// The process's own, with room for 1024 signatures.
    public static let shared = SchemaCache()

    private struct Entry {
        var hash: UInt64
        /// When it was asked for last, counted in questions.
        var lastUse: UInt64
        var schema: Schema
    }

    private struct State {
        var places: [Entry?]
        var questions: UInt64 = 0
        var hits: UInt64 = 0
    }

    /// How many neighbours share the places of a hash: one look compares at most so many.
    private static let neighbours = 4

    private let state: Lock<State>
    private let mask: UInt64
    /// Differs between processes, so that nobody can choose texts that fall on the same places.
    private let seed = UInt64.random(in: .min ... .max)

    /// A cache with room for `limit` schemas, rounded up to a power of two of at least 4.
    public init(limit: Int = 1_024) {
        var groups = 1
        while groups * Self.neighbours < min(limit, 1 << 20) { groups *= 2 }
        mask = UInt64(groups - 1)
        state = Lock(State(places: Array(repeating: nil, count: groups * Self.neighbours)))
    }

    /// The schema of a text; see `Schema(parsing:instructions:types:)`.
    ///
    /// About 0.1 µs where it was read before.
    public func schema(
        parsing text: String,
        instructions: String? = nil,
        types: [TypeDeclaration] = []
    ) throws(SchemaError) -> Schema {
        let given = instructions.flatMap { $0.isEmpty ? nil : $0 }
        let hash = hash(text, given)
        let first = Int(hash & mask) * Self.neighbours
        let known = state.withLock { state -> Schema? in
            state.questions += 1
            for place in first..<first + Self.neighbours {
                guard let entry = state.places[place], entry.hash == hash,
                    entry.schema.answers(text, given, types)
                else { continue }
                state.hits += 1
                state.places[place]?.lastUse = state.questions
                return entry.schema
            }
            return nil
        }
        if let known { return known }
        let schema = try Schema(parsing: text, instructions: given, types: types)
        state.withLock { state in
            let places = first..<first + Self.neighbours
            let oldest = places.min { age(state.places[$0]) < age(state.places[$1]) } ?? first
            state.places[oldest] = Entry(hash: hash, lastUse: state.questions, schema: schema)
        }
        return schema
    }

    /// How many schemas it holds.
    public var count: Int { state.withLock { $0.places.count { $0 != nil } } }

    /// How many it has room for.
    public var limit: Int { state.withLock { $0.places.count } }

    /// How often it was asked, and how often it knew.
    package var figures: (questions: UInt64, hits: UInt64) {
        state.withLock { ($0.questions, $0.hits) }
    }

    private func age(_ entry: Entry?) -> UInt64 { entry?.lastUse ?? 0 }

    private func hash(_ text: String, _ instructions: String?) -> UInt64 {
        let hash = Self.mix(seed, text)
        return instructions.map { Self.mix(hash &+ 1, $0) } ?? hash
    }

    /// A hash of the text's bytes, eight at a time.
    private static func mix(_ seed: UInt64, _ text: String) -> UInt64 {
        text.utf8.withContiguousStorageIfAvailable { bytes in
            var hash = seed ^ UInt64(bytes.count)
            let raw = UnsafeRawBufferPointer(bytes)
            var offset = 0
            while offset + 8 <= raw.count {
                hash = scramble(hash ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            var rest: UInt64 = 0
            while offset < raw.count {
                rest = rest << 8 | UInt64(raw[offset])
                offset += 1
            }
            return scramble(hash ^ rest)
        } ?? text.utf8.reduce(seed) { scramble($0 ^ UInt64($1)) }
    }

    private static func scramble(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}

extension Schema {
    /// Whether it is what these would give; texts are the same if their scalars are.
    fileprivate func answers(
        _ text: String,
        _ instructions: String?,
        _ types: [TypeDeclaration]
    ) -> Bool {
        guard ExactText.isSame(self.text, text), self.types == types else { return false }
        switch (givenInstructions, instructions) {
        case (nil, nil): return true
        case (let mine?, let theirs?): return ExactText.isSame(mine, theirs)
        default: return false
        }
    }
}
