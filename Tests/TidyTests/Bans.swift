/// What is not written in Krait, except where the line before says `// Allowed: <reason>`.
enum Bans {
    private struct Ban {
        let word: String
        let reason: String
        var isForTestsOnly = false
    }

    private static let bans = [
        Ban(word: "Task.detached", reason: "a stray task: add it to the group of a run()"),
        Ban(word: "@unchecked Sendable", reason: "the compiler no longer checks: use Lock"),
        Ban(word: "nonisolated(unsafe)", reason: "the compiler no longer checks: use Lock"),
        Ban(word: "try!", reason: "it ends the process: handle the error"),
        Ban(word: "fatalError", reason: "throw, or preconditionFailure for our own mistakes"),
        Ban(word: "import Synchronization", reason: "invisible to the thread sanitizer: use Lock"),
        Ban(word: "Foundation.Process", reason: "it misses deaths of children: CProcessSupport"),
        Ban(word: "Process()", reason: "it misses deaths of children: CProcessSupport"),
        Ban(word: "Task.sleep", reason: "use ManualClock or eventually", isForTestsOnly: true),
        Ban(word: "Thread.sleep", reason: "use ManualClock or eventually", isForTestsOnly: true),
        Ban(word: "usleep", reason: "use ManualClock or eventually", isForTestsOnly: true),
        Ban(word: "nanosleep", reason: "use ManualClock or eventually", isForTestsOnly: true),
    ]

    /// Targets that talk to whoever started them.
    private static let printing: Set<String> = ["KraitCommand", "Benchmarks"]

    static func findings(in file: SourceFile) -> [Finding] {
        guard file.isSwift else { return [] }
        var findings: [Finding] = []
        for ban in bans where !ban.isForTestsOnly || file.isTest {
            for (index, code) in file.code.enumerated() where code.contains(word: ban.word) {
                findings.append(Finding(file, index + 1, "\(ban.word): \(ban.reason)"))
            }
        }
        for (index, code) in file.code.enumerated() {
            if startsTask(code) {
                let text = "Task { }: a stray task; add it to the group of a run()"
                findings.append(Finding(file, index + 1, text))
            }
            if file.isTest && callsSleep(code) {
                findings.append(Finding(file, index + 1, "sleep: use ManualClock or eventually"))
            }
        }
        return (findings + printFindings(in: file)).filter { !isAllowed($0.line - 1, in: file) }
    }

    private static func printFindings(in file: SourceFile) -> [Finding] {
        guard let target = file.target, !printing.contains(target) else { return [] }
        // A method of its own that is called so.
        if file.code.contains(where: { $0.contains("func print(") }) { return [] }
        return file.code.enumerated().filter { $0.element.contains(word: "print(") }.map {
            Finding(file, $0.offset + 1, "print: log, or give it to the caller")
        }
    }

    /// Whether the comment right above the line allows what it does.
    static func isAllowed(_ index: Int, in file: SourceFile) -> Bool {
        for line in file.lines[..<index].reversed() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix(allowance) { return true }
            if !text.hasPrefix("//") { return false }
        }
        return false
    }

    static let allowance = "// Allowed: "

    /// Whether the line starts a task of its own: `Task {`, `Task(priority: …) {`, `Task<…> {`.
    private static func startsTask(_ code: String) -> Bool {
        code.ranges(ofWord: "Task").contains { range in
            let before = code[..<range.lowerBound].split { $0 == " " }.last
            // Its own declarations and a function that returns one.
            if ["extension", "struct", "class", "enum", "actor", "->"].contains(before) {
                return false
            }
            var depth = 0
            for character in code[range.upperBound...] {
                switch character {
                case "(", "<": depth += 1
                case ")", ">": depth -= 1
                case "{" where depth == 0: return true
                case " ": break
                default: if depth == 0 { return false }
                }
            }
            return false
        }
    }

    /// Whether the line calls the C function, and not a clock's method.
    private static func callsSleep(_ code: String) -> Bool {
        code.ranges(ofWord: "sleep(").contains { range in
            let before = code[..<range.lowerBound]
            return before.last != "." && !before.hasSuffix("func ") || before.hasSuffix("Glibc.")
        }
    }

    // MARK: The allow-list

    /// How many allowances each file has; a new one is a decision, and is written down here.
    static let allowances: [String: Int] = [
        // A stream's iterator has no scope that could hold a child task.
        "Sources/Krait/Client/ReplyStream.swift": 1,
        // libcurl's handles, which only the thread touches, and the inbox beside them.
        "Sources/KraitLM/HTTP/HTTPEngine.swift": 1,
        // A server's pauses, which are what is tested.
        "Tests/KraitLMTests/ScriptedServer.swift": 2,
        // The lock itself.
        "Sources/KraitObservability/Lock.swift": 1,
        // What a caller and the pool's thread both touch, one after the other.
        "Sources/KraitPooling/WaitingCall.swift": 2,
        // The loop's state, and the inbox that other threads leave work in.
        "Sources/KraitZeroMQ/IOThread.swift": 2,
        // An outbox that only its courier's thread touches.
        "Sources/KraitZeroMQ/Peer.swift": 1,
        // Memory that is filled before it is shared.
        "Sources/KraitWire/Tables/OwnedBytes.swift": 1,
        // A message that is only read once it is shared.
        "Sources/KraitZeroMQ/ReceivedFrame.swift": 1,
        // Bytes that stay where they are while their owner lives, and that nobody changes.
        "Sources/KraitZeroMQ/OutgoingFrame.swift": 1,
        // Shared memory: filled before it is shared, then only read; words of tables are atomic.
        "Sources/KraitWorkers/Arena/Arena.swift": 1,
        "Sources/KraitWorkers/Arena/SegmentMapping.swift": 1,
        "Sources/KraitWorkers/Arena/WorkerSegments.swift": 1,
        // One task that is awaited, so that children stop in order.
        "Sources/KraitSupervision/Supervisor.swift": 1,
        // What the thread's closure and the test look at in turn.
        "Tests/KraitWorkersTests/OutputReaderTests.swift": 1,
        // A value that one test hands to the thread.
        "Tests/KraitZeroMQTests/OnThread.swift": 1,
        // The one sleep of all tests.
        "Tests/Support/Eventually.swift": 1,
    ]

    static func allowanceFindings(
        in files: [SourceFile],
        allowances: [String: Int] = allowances
    ) -> [Finding] {
        var findings: [Finding] = []
        for file in files where file.isSwift && !file.path.hasPrefix("Tests/TidyTests/") {
            let count = file.lines.count { $0.drop { $0 == " " }.hasPrefix(allowance) }
            let expected = allowances[file.path] ?? 0
            if count != expected {
                let text = "\(count) allowances, \(expected) in the table of Bans.swift"
                findings.append(Finding(file, text))
            }
        }
        let known = Set(files.map(\.path))
        for path in allowances.keys.sorted() where !known.contains(path) {
            findings.append(Finding(SourceFile(path, ""), "in the table of Bans.swift, but gone"))
        }
        return findings
    }
}
