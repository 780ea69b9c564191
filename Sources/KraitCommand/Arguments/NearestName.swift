/// The valid name that somebody probably meant, if one is near enough to be worth a suggestion.
///
/// Near is at most one edit (insertion, deletion, replacement, swap of neighbours) for each three
/// characters, or one name being the beginning of the other. Of equally near ones the first counts.
func nearestName(to text: String, in names: [String]) -> String? {
    // The table is text × name: nobody types a name of this length by mistake.
    guard !text.isEmpty, text.utf8.count <= 64 else { return nil }
    let typed = Array(text.lowercased())
    var best: (name: String, distance: Int)?
    for name in names {
        let candidate = Array(name.lowercased())
        let isBeginning =
            typed.count >= 2 && (candidate.starts(with: typed) || typed.starts(with: candidate))
        let distance = isBeginning ? 0 : editDistance(typed, candidate)
        let isNear = distance <= max(1, max(typed.count, candidate.count) / 3)
        guard isNear, distance < best?.distance ?? .max else { continue }
        best = (name, distance)
    }
    return best?.name
}

/// How many edits make one text of the other, a swap of neighbours counted as one.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast = [Int]()
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            var cost = min(last[column + 1], current[column]) + 1
            cost = min(cost, last[column] + (left[row] == right[column] ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
