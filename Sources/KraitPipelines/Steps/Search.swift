import KraitWire

/// Finds the passages of an index that answer a question best.
///
/// ```swift
/// let index = try TextIndex.load(folder: "/usr/share/doc/debian-policy/policy.html")
/// let found = Pipeline("find") { Search(index, top: 5) }          // String → [Passage]
/// ```
public struct Search: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Search" }
    private let index: TextIndex
    private let top: Int

    /// A step that gives the best `top` passages of the index, or fewer where fewer fit.
    public init(_ index: TextIndex, top: Int) {
        self.index = index
        self.top = top
    }

    /// Searches; never fails, and gives nothing where no passage shares a term with the question.
    public func run(
        _ question: String,
        in context: RunContext
    ) async throws(CallError) -> [Passage] {
        index.search(question, top: top)
    }
}
