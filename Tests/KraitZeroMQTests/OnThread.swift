import KraitTestSupport
import KraitZeroMQ
import Testing

extension IOThread {
    /// Runs `body` on the thread and waits for it.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            perform { continuation.resume(with: .init(catching: body)) }
        }
    }

    /// What `body` finds on the thread.
    func look<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            perform { continuation.resume(returning: body()) }
        }
    }

    /// Runs `body` with a thread of its own, which is stopped afterwards.
    static func with(
        name: String = "test",
        _ body: (IOThread) async throws -> Void
    ) async throws {
        let thread = try IOThread(name: name)
        defer { thread.stop() }
        try await body(thread)
    }
}

/// What only an I/O thread touches, so that its closures can share it.
// Allowed: the tests reach it on one thread only.
final class OnThread<Value>: @unchecked Sendable {
    private let thread: IOThread
    private var guarded: Value

    init(_ value: Value, _ thread: IOThread) {
        guarded = value
        self.thread = thread
    }

    var value: Value {
        get {
            thread.preconditionOnThread()
            return guarded
        }
        set {
            thread.preconditionOnThread()
            guarded = newValue
        }
    }
}
