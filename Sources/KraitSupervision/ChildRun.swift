/// One start of one child, up to its end.
struct ChildRun<C: Clock>: Sendable where C.Duration == Duration {
    let child: Child
    let clock: C
    let report: @Sendable (Happening) -> Void

    private let startSignalled = OneShot()
    private let stopRequested = OneShot()

    /// What becomes of a run; its exit is the last.
    enum Happening: Sendable {
        case started
        case startTimePassed
        case shutdownTimePassed
        case exited(ChildExit)
    }

    init(of child: Child, clock: C, report: @escaping @Sendable (Happening) -> Void) {
        self.child = child
        self.clock = clock
        self.report = report
    }

    /// Cancels the child; returns at once.
    func stop() { stopRequested.fire() }

    /// Runs the child and watches its times; returns when it has ended.
    func perform() async {
        let exit = await withTaskGroup(of: ChildExit?.self) { group in
            group.addTask(name: child.id.name) { await untilExit() }
            group.addTask { await watchStart() }
            group.addTask { await watchShutdown() }
            for await case let exit? in group {
                group.cancelAll()
                return exit
            }
            preconditionFailure("the child's own task gives its exit")
        }
        report(.exited(exit))
    }

    /// Runs the child in a group of its own, so that it alone can be cancelled.
    private func untilExit() async -> ChildExit {
        await withTaskGroup(of: ChildExit?.self) { group in
            group.addTask { await body() }
            group.addTask {
                try? await stopRequested.waitUnlessCancelled()
                return nil
            }
            var exit: ChildExit?
            for await ended in group {
                // Whichever came first, the other has no reason to go on.
                group.cancelAll()
                exit = exit ?? ended
            }
            guard let exit else { preconditionFailure("the body gives its exit") }
            return exit
        }
    }

    private func body() async -> ChildExit {
        do {
            let supervised = try await child.make()
            try await supervised.run(
                started: StartSignal { if startSignalled.fire() { report(.started) } }
            )
            return .finished
        } catch let error as SupervisorError where !error.outcome.unresponsive.isEmpty {
            return .abandoned(Self.reason(error))
        } catch is CancellationError {
            return .shutDown
        } catch {
            return .failed(Self.reason(error))
        }
    }

    /// What is said of an error: its bland description, bounded.
    private static func reason(_ error: any Error) -> String {
        let text = String(describing: error)
        return text.count <= 1_000 ? text : "\(text.prefix(1_000))…"
    }

    private func watchStart() async -> ChildExit? {
        guard let limit = child.startLimit else { return nil }
        let isOver = await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await clock.sleep(for: limit)) != nil }
            group.addTask {
                try? await startSignalled.waitUnlessCancelled()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if isOver { report(.startTimePassed) }
        return nil
    }

    private func watchShutdown() async -> ChildExit? {
        guard let limit = child.shutdown.limit else { return nil }
        do {
            try await stopRequested.waitUnlessCancelled()
            try await clock.sleep(for: limit)
            report(.shutdownTimePassed)
        } catch {
            // The child has ended before.
        }
        return nil
    }
}
