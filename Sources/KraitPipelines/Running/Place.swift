import KraitWire

/// A step's place in its pipeline: a chain up to the root, so that going in costs one object.
final class Place: Sendable {
    let label: String
    let outer: Place?

    init(label: String, within outer: Place?) {
        self.label = label
        self.outer = outer
    }

    var path: [String] {
        var labels = [label]
        var place = outer
        while let next = place {
            labels.append(next.label)
            place = next.outer
        }
        return labels.reversed()
    }
}

extension CallError {
    /// The error with the path to the step that failed, unless a step further in has set it.
    ///
    /// A step can fail with the error of another pipeline that it ran by itself: its path is then
    /// the continuation of this one's.
    func placed(at path: [String]) -> CallError {
        if self.path.starts(with: path) { return self }
        var error = self
        error.path = path + self.path
        return error
    }
}
