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
