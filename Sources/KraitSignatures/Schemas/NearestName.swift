/// Finds what somebody may have meant.
package enum NearestName {
    /// The candidate with the fewest edits (insert, delete, replace, swap of neighbours).
    ///
    /// Nil if those are more than a third of the name. Long names are not compared: the cost is the
    /// product of the lengths.
    package static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
        let name = Array(name.unicodeScalars)
        guard name.count <= 64 else { return nil }
        var best: (name: String, edits: Int)?
        for candidate in candidates where candidate.unicodeScalars.count <= 64 {
            let edits = distance(name, Array(candidate.unicodeScalars))
            if edits < best?.edits ?? .max { best = (candidate, edits) }
        }
        guard let best, best.edits <= max(1, name.count / 3) else { return nil }
        return best.name
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
