import Glibc
import KraitTestSupport
import Testing

@testable import KraitZeroMQ

@Suite(.timeLimit(.minutes(1))) struct IOThreadTests {
    // MARK: Closures and jobs

    @Test func `closures run on the thread, in order`() async throws {
        try await IOThread.with { thread in
            let seen = OnThread<[Int]>([], thread)
            for number in 0..<1_000 { thread.perform { seen.value.append(number) } }
            #expect(await thread.look { seen.value } == Array(0..<1_000))
            #expect(!thread.isCurrent)
            #expect(await thread.look { thread.isCurrent })
        }
    }

    @Test func `closures of many tasks all run, each task's in order`() async throws {
        try await IOThread.with { thread in
            let seen = OnThread<[[Int]]>(Array(repeating: [], count: 8), thread)
            await withDiscardingTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        for number in 0..<500 {
                            thread.perform { seen.value[task].append(number) }
                            if number % 50 == 0 { await Task.yield() }
                        }
                    }
                }
            }
            let all = await thread.look { seen.value }
            #expect(all.allSatisfy { $0 == Array(0..<500) })
        }
    }

    @Test func `what a closure adds runs after it, in order`() async throws {
        try await IOThread.with { thread in
            let seen = OnThread<[Int]>([], thread)
            try await thread.run {
                thread.perform {
                    thread.perform { seen.value.append(3) }
                    seen.value.append(2)
                }
                seen.value.append(1)
            }
            #expect(await eventually { await thread.look { seen.value } == [1, 2, 3] })
        }
    }

    private actor Counter {
        private nonisolated let thread: IOThread
        private(set) var count = 0

        nonisolated var unownedExecutor: UnownedSerialExecutor {
            thread.asUnownedSerialExecutor()
        }

        init(on thread: IOThread) { self.thread = thread }

        func increment() -> Bool {
            count += 1
            return thread.isCurrent
        }

        /// Whether another job ran between the check and the continuation's body.
        func isInterrupted() async -> Bool {
            count += 1
            let before = count
            return await withCheckedContinuation { $0.resume(returning: count != before) }
        }
    }

    @Test func `an actor of the thread runs on it, one job at a time`() async throws {
        try await IOThread.with { thread in
            let counter = Counter(on: thread)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<1_000 { group.addTask { await counter.increment() } }
                for await isOnThread in group { #expect(isOnThread) }
            }
            #expect(await counter.count == 1_000)
            let count = try await thread.run { counter.assumeIsolated { $0.count } }
            #expect(count == 1_000, "and closures of the thread are isolated to it")
        }
    }

    @Test func `a task that prefers the thread does not give way when it begins to wait`()
        async throws
    {
        // Others do, so whoever waits looks at what for within the continuation's body.
        try await IOThread.with { thread in
            let counter = Counter(on: thread)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<500 {
                    group.addTask(executorPreference: thread) { await counter.isInterrupted() }
                }
                let interruptions = await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                #expect(interruptions == 0)
            }
        }
    }

    @Test func `what belongs to the thread cannot be reached from another`() async throws {
        await #expect(processExitsWith: .failure) {
            IOThreadTests.touch(Counter(on: try IOThread(name: "test")))
        }
        await #expect(processExitsWith: .failure) {
            _ = try IOThread(name: "test").schedule(at: .now) {}
        }
    }

    private static func touch(_ counter: Counter) { counter.assumeIsolated { _ in } }

    // MARK: Timers

    @Test func `timers fire once, in the order of their times, and not too early`() async throws {
        try await IOThread.with { thread in
            let fired = OnThread<[(Int, ContinuousClock.Instant)]>([], thread)
            let start = ContinuousClock.now
            try await thread.run {
                for delay in [30, 10, 20, 10, 0] {
                    _ = thread.schedule(at: start + .milliseconds(delay)) {
                        fired.value.append((delay, .now))
                    }
                }
            }
            #expect(await eventually { await thread.look { fired.value.count } == 5 })
            let all = await thread.look { fired.value }
            #expect(all.map(\.0) == [0, 10, 10, 20, 30])
            #expect(all.allSatisfy { $1 >= start + .milliseconds($0) })
        }
    }

    @Test func `a cancelled timer does not fire, and the others do`() async throws {
        try await IOThread.with { thread in
            let fired = OnThread<[Int]>([], thread)
            try await thread.run {
                let now = ContinuousClock.now
                let tokens = (0..<4).map { number in
                    thread.schedule(at: now + .milliseconds(number)) {
                        fired.value.append(number)
                    }
                }
                thread.cancel(tokens[0])
                thread.cancel(tokens[2])
                thread.cancel(tokens[2])
            }
            #expect(await eventually { await thread.look { fired.value.last } == 3 })
            #expect(await thread.look { fired.value } == [1, 3])
        }
    }

    @Test func `a timer that sets itself anew for the past does not hold up the thread`()
        async throws
    {
        try await IOThread.with { thread in
            let fired = OnThread(0, thread)
            @Sendable func tick() {
                fired.value += 1
                _ = thread.schedule(at: .now) { tick() }
            }
            try await thread.run { tick() }
            let count = await thread.look { fired.value }
            #expect(await eventually { await thread.look { fired.value > count } })
        }
    }

    @Test func `timers and watches are served under a load of jobs`() async throws {
        try await IOThread.with { thread in
            let pipe = try Pipe()
            let isOver = OnThread((timer: false, watch: false), thread)
            @Sendable func work() {
                if !isOver.value.timer || !isOver.value.watch { thread.perform { work() } }
            }
            try await thread.run {
                _ = thread.schedule(at: .now + .milliseconds(1)) { isOver.value.timer = true }
                _ = try thread.watch(pipe.reading) {
                    pipe.drain()
                    isOver.value.watch = true
                }
                work()
            }
            pipe.write("x")
            #expect(
                await eventually {
                    let now = await thread.look { isOver.value }
                    return now.timer && now.watch
                }
            )
        }
    }

    // MARK: Watches

    @Test func `a watch is called while there is something to read`() async throws {
        try await IOThread.with { thread in
            let pipe = try Pipe()
            let calls = OnThread(0, thread)
            let token = try await thread.run {
                try thread.watch(pipe.reading) { calls.value += 1 }
            }
            #expect(await thread.look { calls.value } == 0)
            pipe.write("x")
            #expect(await eventually { await thread.look { calls.value > 3 } })
            try await thread.run { thread.unwatch(token) }
            let count = await thread.look { calls.value }
            pipe.write("y")
            try await thread.turns(5)
            #expect(await thread.look { calls.value } == count)
        }
    }

    @Test func `a watch may end itself and others while it is called`() async throws {
        try await IOThread.with { thread in
            let pipes = try (0..<3).map { _ in try Pipe() }
            let calls = OnThread<[Int]>([], thread)
            let tokens = OnThread<[WatchToken]>([], thread)
            for pipe in pipes { pipe.write("x") }
            try await thread.run {
                tokens.value = try pipes.indices.map { number in
                    try thread.watch(pipes[number].reading) {
                        calls.value.append(number)
                        for token in tokens.value { thread.unwatch(token) }
                    }
                }
            }
            // While jobs keep coming, descriptors are looked after in one turn of many only.
            #expect(await eventually { await thread.look { !calls.value.isEmpty } })
            try await thread.turns(5)
            #expect(await thread.look { calls.value.count } == 1, "the first one ended all")
        }
    }

    @Test func `a descriptor's number may be used again for another watch`() async throws {
        try await IOThread.with { thread in
            let calls = OnThread<[String]>([], thread)
            let pipe = try Pipe()
            pipe.write("x")
            try await thread.run {
                // Under one number first the one file, then the other.
                let number = dup(0)
                let old = try Pipe()
                old.write("x")
                dup2(old.reading, number)
                let token = try thread.watch(number) { calls.value.append("old") }
                thread.unwatch(token)
                dup2(pipe.reading, number)
                _ = try thread.watch(number) {
                    pipe.drain()
                    calls.value.append("new")
                }
                // An end that comes twice must not touch the newcomer.
                thread.unwatch(token)
            }
            #expect(
                await eventually { await thread.look { !calls.value.isEmpty } }
            )
            #expect(await thread.look { calls.value } == ["new"])
        }
    }

    @Test func `more watches than fit one look are all served`() async throws {
        try await IOThread.with { thread in
            let pipes = try (0..<150).map { _ in try Pipe() }
            let calls = OnThread<Set<Int>>([], thread)
            try await thread.run {
                for (number, pipe) in pipes.enumerated() {
                    _ = try thread.watch(pipe.reading) {
                        pipe.drain()
                        calls.value.insert(number)
                    }
                }
            }
            for pipe in pipes { pipe.write("x") }
            #expect(await eventually { await thread.look { calls.value.count } == 150 })
        }
    }

    @Test func `what cannot be watched is a typed error`() async throws {
        try await IOThread.with { thread in
            let pipe = try Pipe()
            await #expect(throws: ZeroMQError(action: "watch descriptor -1", number: EBADF)) {
                try await thread.run { _ = try thread.watch(-1) {} }
            }
            let again = ZeroMQError(action: "watch descriptor \(pipe.reading)", number: EEXIST)
            await #expect(throws: again) {
                try await thread.run {
                    for _ in 0..<2 { _ = try thread.watch(pipe.reading) {} }
                }
            }
            #expect("\(again)".contains("File exists"))
        }
    }

    // MARK: The end

    @Test func `a stopped thread runs what it has, and is gone`() async throws {
        let thread = try IOThread(name: "stopped-thread")
        let seen = OnThread<[Int]>([], thread)
        #expect(await eventually { threadNames().contains("stopped-thread") })
        thread.perform { seen.value.append(1) }
        thread.stop()
        thread.perform { seen.value.append(2) }
        #expect(await eventually { !threadNames().contains("stopped-thread") })
        #expect(await thread.look { seen.value } == [1, 2], "late closures still run")
        #expect(await eventually { !threadNames().contains("stopped-thread") })
    }

    @Test func `an idle thread that is stopped is gone as well`() async throws {
        let thread = try IOThread(name: "idle-thread")
        try await thread.turns(3)
        thread.stop()
        #expect(await eventually { !threadNames().contains("idle-thread") })
    }

    @Test func `an actor can be called after its thread was stopped`() async throws {
        let thread = try IOThread(name: "test")
        let counter = Counter(on: thread)
        #expect(await counter.increment())
        thread.stop()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 { group.addTask { await counter.increment() } }
            for await isOnThread in group { #expect(isOnThread) }
        }
        #expect(await counter.count == 201)
    }

    @Test func `after the end no timer fires and nothing can be watched`() async throws {
        let thread = try IOThread(name: "ending-thread")
        let fired = OnThread(0, thread)
        let pipe = try Pipe()
        pipe.write("x")
        try await thread.run {
            _ = thread.schedule(at: .now + .milliseconds(1)) { fired.value += 1 }
            thread.stop()
        }
        #expect(await eventually { !threadNames().contains("ending-thread") })
        await #expect(throws: ZeroMQError.self) {
            try await thread.run { _ = try thread.watch(pipe.reading) { fired.value += 1 } }
        }
        #expect(await thread.look { fired.value } == 0)
    }
}

extension IOThread {
    /// Waits until the loop has gone around so many times.
    fileprivate func turns(_ count: Int) async throws {
        for _ in 0..<count { try await run {} }
    }
}

/// The names of this process's threads.
private func threadNames() -> [String] {
    guard let folder = opendir("/proc/self/task") else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let id = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let file = fopen("/proc/self/task/\(id)/comm", "r") else { continue }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 32)
        guard fgets(&line, 32, file) != nil else { continue }
        names.append(String(decoding: line.prefix { $0 > 10 }.map { UInt8($0) }, as: UTF8.self))
    }
    return names
}
