import KraitRouting
import KraitWire

/// Makes something else of each element of a list: plain Swift, one element after the other.
///
/// ```swift
/// Map { (passage: Passage) in passage.text }          // [Passage] → [String]
/// ```
///
/// What makes calls belongs in `ForEach`, which works on several at the same time.
public struct Map<Element: Sendable, Each: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Map" }
    private let body: @Sendable (Element) throws -> Each

    /// A step of a closure whose parameter's type is written out.
    public init(_ body: @escaping @Sendable (Element) throws -> Each) { self.body = body }

    /// Runs the closure on each; what it throws fails the run as in `Transform`.
    public func run(_ input: [Element], in context: RunContext) async throws(CallError) -> [Each] {
        do {
            return try input.map(body)
        } catch {
            throw .raised(by: error, in: "The closure of \(name)")
        }
    }
}

/// Makes one value of a list: plain Swift, from the first element to the last.
///
/// ```swift
/// Reduce(0) { (sum: Int, number: Int) in sum + number }          // [Int] → Int
/// ```
public struct Reduce<Element: Sendable, Whole: Sendable>: Step {
    /// What the step is called in paths and traces.
    public var name: String { "Reduce" }
    private let initial: Whole
    private let body: @Sendable (Whole, Element) throws -> Whole

    /// A step of a first value, and a closure that adds an element to what there is.
    public init(_ initial: Whole, _ body: @escaping @Sendable (Whole, Element) throws -> Whole) {
        self.initial = initial
        self.body = body
    }

    /// Runs the closure over the list; an empty one gives the first value.
    public func run(_ input: [Element], in context: RunContext) async throws(CallError) -> Whole {
        do {
            return try input.reduce(initial, body)
        } catch {
            throw .raised(by: error, in: "The closure of \(name)")
        }
    }
}
