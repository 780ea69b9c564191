/// Numbers of rows, a bit each: a million rows take 125 kB.
struct RowSet: Equatable, Sendable {
    private var words: [UInt64] = []
    private(set) var count = 0

    func contains(_ row: Int) -> Bool {
        row >> 6 < words.count && words[row >> 6] & Self.bit(row) != 0
    }

    /// Adds a row; false where it is there already.
    @discardableResult
    mutating func insert(_ row: Int) -> Bool {
        guard !contains(row) else { return false }
        if words.count <= row >> 6 {
            words += Array(repeating: 0, count: (row >> 6) + 1 - words.count)
        }
        words[row >> 6] |= Self.bit(row)
        count += 1
        return true
    }

    private static func bit(_ row: Int) -> UInt64 { 1 << UInt64(row & 63) }
}
