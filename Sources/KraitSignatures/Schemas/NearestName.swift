/// Finds what somebody may have meant.
package enum NearestName {
    /// The candidate that is nearest to a name, if one is near enough to be worth a suggestion.
    ///
    /// Near is at most one edit (insertion, deletion, replacement, swap of neighbours) for each
    /// three characters, or one name being the beginning of the other; case does not count. Of
    /// equally near ones the first counts. Long names are not compared: the cost is the product of
    /// the lengths.
    package static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
        let typed = Array(name.lowercased().unicodeScalars)
        guard !typed.isEmpty, typed.count <= 64 else { return nil }
        var best: (name: String, edits: Int)?
        for candidate in candidates {
            let known = Array(candidate.lowercased().unicodeScalars)
            guard known.count <= 64 else { continue }
            let isBeginning =
                min(typed.count, known.count) >= 2
                && (known.starts(with: typed) || typed.starts(with: known))
            let edits = isBeginning ? 0 : distance(typed, known)
            let isNear = edits <= max(1, max(typed.count, known.count) / 3)
            guard isNear, edits < best?.edits ?? .max else { continue }
            best = (candidate, edits)
        }
        return best?.name
    }

    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let replaced = last[column] + (scalar == other ? 0 : 1)
                var cost = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, scalar == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
