import Testing

@testable import KraitObservability

@Suite(.timeLimit(.minutes(1))) struct LockTests {
    @Test(.timeLimit(.minutes(1)))
    func `many tasks count together without losing one`() async {
        let lock = Lock(0)
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<10_000 { lock.withLock { $0 += 1 } } }
            }
        }
        #expect(lock.withLock { $0 } == 80_000)
    }

    @Test func `an error leaves the lock free and the change in place`() {
        struct Refused: Error {}
        let lock = Lock("before")
        #expect(throws: Refused.self) {
            try lock.withLock { state in
                state = "after"
                throw Refused()
            }
        }
        #expect(lock.withLock { $0 } == "after")
    }

    #if DEBUG
        @Test func `taking a lock twice stops a debug build instead of hanging it`() async {
            await #expect(processExitsWith: .failure) {
                let lock = Lock(0)
                lock.withLock { _ in lock.withLock { _ in } }
            }
        }
    #endif
}
