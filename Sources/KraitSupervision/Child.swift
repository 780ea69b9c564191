/// The name of a child within its supervisor.
package struct ChildID: Sendable, Hashable, ExpressibleByStringInterpolation {
    package let name: String

    package init(_ name: String) { self.name = name }

    package init(stringLiteral name: String) { self.name = name }
}

extension ChildID: CustomStringConvertible {
    package var description: String { name }
}

/// Whether a child that has ended is started again; OTP's words.
package enum Restart: String, Sendable, Hashable, CaseIterable {
    /// Always.
    case permanent
    /// Only if it failed: not where it returned, or threw a `CancellationError`.
    case transient
    /// Never; nor is it started again where its siblings are.
    case temporary
}

/// How long a child may take to end once it is cancelled.
///
/// See ``Supervised`` for what happens past that: a task cannot be killed.
package enum Shutdown: Sendable, Hashable {
    /// It has nothing to finish: the time to unwind only (one second). OTP's `brutal_kill`.
    case immediate
    /// It may finish what it does.
    case graceful(within: Duration)
    /// As long as it takes; for supervisors, whose children have limits of their own.
    case infinite

    package var limit: Duration? {
        switch self {
        case .immediate: .seconds(1)
        case .graceful(let limit): limit
        case .infinite: nil
        }
    }
}

/// One child of a supervisor: what it is, when it is restarted, how it is stopped.
package struct Child: Sendable {
    package let id: ChildID
    package let restart: Restart
    package let shutdown: Shutdown
    /// How long it may take to say that it has started; past it the start has failed.
    package let startLimit: Duration?
    let make: @Sendable () async throws -> any Supervised

    /// A child that is made by `make`.
    ///
    /// - Parameter make: Called anew for each start, so that a restarted child has fresh state.
    package init(
        _ id: ChildID,
        restart: Restart = .permanent,
        shutdown: Shutdown = .graceful(within: .seconds(5)),
        startLimit: Duration? = .seconds(60),
        make: @escaping @Sendable () async throws -> any Supervised
    ) {
        self.id = id
        self.restart = restart
        self.shutdown = shutdown
        self.startLimit = startLimit
        self.make = make
    }

    /// A child that is a function.
    package init(
        _ id: ChildID,
        restart: Restart = .permanent,
        shutdown: Shutdown = .graceful(within: .seconds(5)),
        startLimit: Duration? = .seconds(60),
        run: @escaping @Sendable (StartSignal) async throws -> Void
    ) {
        self.init(id, restart: restart, shutdown: shutdown, startLimit: startLimit) {
            SupervisedFunction(body: run)
        }
    }
}

private struct SupervisedFunction: Supervised {
    let body: @Sendable (StartSignal) async throws -> Void

    func run(started: StartSignal) async throws { try await body(started) }
}

/// Builds the ordered list of a supervisor's children; conditions and loops are allowed.
@resultBuilder package enum ChildrenBuilder {
    package static func buildExpression(_ child: Child) -> [Child] { [child] }
    package static func buildBlock(_ parts: [Child]...) -> [Child] { parts.flatMap(\.self) }
    package static func buildOptional(_ part: [Child]?) -> [Child] { part ?? [] }
    package static func buildEither(first part: [Child]) -> [Child] { part }
    package static func buildEither(second part: [Child]) -> [Child] { part }
    package static func buildArray(_ parts: [[Child]]) -> [Child] { parts.flatMap(\.self) }
}
