/// Which children are restarted when one fails; OTP's words.
package enum Strategy: String, Sendable, Hashable, CaseIterable {
    /// Only that one.
    case oneForOne
    /// All: the others are stopped in reverse order, then all are started in order.
    case oneForAll
    /// That one and those after it, which may rely on it.
    case restForOne

    /// The place of the first child that is restarted with the one at `index`.
    func firstRestarted(with index: Int) -> Int {
        self == .oneForAll ? 0 : index
    }
}
