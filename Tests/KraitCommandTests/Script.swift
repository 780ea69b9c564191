import Glibc
import Krait
import KraitObservability
import KraitWire

@testable import KraitCommand
@testable import KraitControl

/// A daemon's core that does as its calls' operations say, and remembers what became of them.
actor ScriptedCore: DaemonCore {
    private(set) var cancelled = 0
    private(set) var underWay = 0
    private(set) var drained = 0
    private(set) var stopped = 0
    private(set) var steered: [SteeringRequest] = []
    private let startError: CommandFailure?
    private let steps: [StartProgress]
    private let ends: Gate
    /// Whether `drain` and `stop` let `run` return, as they do unless a test is to see the time
    /// between.
    private let endsWhenDrained: Bool
    private let endsWhenStopped: Bool
    /// Whether changes of pools come to an end.
    private let steers: Bool

    init(
        steps: [StartProgress] = [.ready],
        startError: CommandFailure? = nil,
        endsWhenDrained: Bool? = nil,
        endsWhenStopped: Bool = true,
        steers: Bool = true
    ) {
        self.steers = steers
        self.steps = steps
        self.startError = startError
        self.endsWhenDrained = endsWhenDrained ?? endsWhenStopped
        self.endsWhenStopped = endsWhenStopped
        ends = Gate()
    }

    func run(_ report: @escaping @Sendable (StartProgress) -> Void) async throws {
        for step in steps { report(step) }
        if let startError { throw startError }
        await ends.wait()
    }

    func status() async -> Value {
        ["pid": 4711, "run": "cafe", "uptime_s": 61.5, "pools": []]
    }

    func call(_ call: Call) async throws(CallError) -> Reply {
        underWay += 1
        defer { underWay -= 1 }
        switch call.operation {
        case "echo":
            let source = Reply.Source.pool("p", worker: "p/1.0", codec: call.options.codec ?? .json)
            return Reply(.map(call.arguments), from: source)
        case "guess":
            let outputs: Value = ["answer": call.arguments["guess"] ?? .null]
            let usage: Value = [
                "m": ["prompt_tokens": 4, "completion_tokens": 3, "cost": 0.5]
            ]
            return Reply(["outputs": outputs, "usage": usage], from: .native)
        case "judge": return Reply(call.arguments["prediction"]?["answer"] ?? .null, from: .native)
        case "route": return Reply(.string("\(call.options.route)"), from: .native)
        case "large": return Reply(.string(String(repeating: "x", count: 4_096)), from: .native)
        case "hang":
            await Gate().wait()
            cancelled += 1
            throw CallError(.cancelled, "the caller has gone", operation: "hang")
        case "raise":
            throw CallError(
                .faulted,
                "the Python code raised",
                operation: "raise",
                path: ["support/3"],
                pool: "p",
                worker: "p/1.0",
                fault: Fault(
                    code: .raised,
                    type: "builtins.ValueError",
                    message: "secret words",
                    traceback: "line 1",
                    details: ["status": 429]
                ),
                delivery: .sent
            )
        default:
            throw CallError(.unknownOperation, "there is echo", operation: call.operation)
        }
    }

    /// How many chunks were taken.
    private(set) var sent = 0

    func stream(
        _ call: Call,
        _ receive: @escaping @Sendable (Value) async throws(ControlFailure) -> Void
    ) async throws(ControlFailure) -> Reply {
        underWay += 1
        defer { underWay -= 1 }
        let chunks = call.arguments["chunks"]?.list ?? []
        do throws(ControlFailure) {
            for chunk in chunks {
                try await receive(chunk)
                sent += 1
            }
            while call.operation == "endless" {
                try await receive(.string(String(repeating: "x", count: 10_000)))
                sent += 1
            }
        } catch {
            cancelled += 1
            throw error
        }
        do throws(CallError) {
            return try await self.call(Call(call.operation, ["n": .int(Int64(chunks.count))]))
        } catch {
            throw ControlFailure(error)
        }
    }

    func explain(operation: String) async throws -> Value {
        guard ["echo", "guess", "judge"].contains(operation) else {
            throw CallError(.unknownOperation, "there is echo", operation: operation)
        }
        return [
            "operation": "echo", "chosen": "pool p", "alternatives": ["native", "pool q"],
            "cost": nil,
        ]
    }

    func lm(by grouping: LMLedger.Grouping, last: Int) async -> Value {
        ["by": .string(grouping.rawValue), "last": .int(Int64(last))]
    }

    func sessions(id: String?, pool: String?) async throws(CallError) -> Value {
        let one: Value = [
            "id": "ann-7", "pool": "p", "worker": "p/0.1", "running": 0, "checked_out": false,
            "age_s": 90.0, "idle_s": 5.0, "since_saved_s": 5.0, "version": 3, "bytes": 2_048,
            "dspy": "3.4.1", "missing": ["programs.answer.self.lm"],
        ]
        guard let id else { return ["sessions": [one]] }
        guard id == "ann-7" else {
            throw CallError(.unknownSession, "there is no session `\(id)`")
        }
        return one
    }

    func steer(_ request: SteeringRequest) async throws(CallError) -> Value {
        guard request.pool == "p" else {
            throw CallError(.unknownPool, "there is no pool `\(request.pool)`; there is p")
        }
        steered.append(request)
        if !steers { await Gate().wait() }
        return [
            "name": "p", "state": "ready", "queued": 2, "workers": [["state": "ready", "busy": 1]],
        ]
    }

    func runPipeline(
        _ request: RunRequest,
        _ receive: (@Sendable (Value) async throws(ControlFailure) -> Void)?
    ) async throws(ControlFailure) -> Value {
        underWay += 1
        defer { underWay -= 1 }
        guard request.pipeline == "support" else {
            throw ControlFailure(CallError(.unknownPipeline, "did you mean `support`?"))
        }
        for chunk in receive == nil ? [] : ["Hel", "lo"] as [Value] { try await receive?(chunk) }
        let run = Self.run(failure: nil, isWhole: request.isTraced)
        switch request.input.string {
        case "hang":
            await Gate().wait()
            cancelled += 1
            throw ControlFailure(CallError(.cancelled, "the caller has gone"))
        case "fail":
            let error = CallError(.invalidOutput, "too long", path: ["support", "2 Validate"])
            var map = Self.run(failure: error, isWhole: request.isTraced).map ?? [:]
            map["partial"] = ["path": ["support", "1 Search"], "value": ["found"]]
            throw ControlFailure(error, run: .map(map))
        case let text?: return ["value": .string("re: \(text)"), "seconds": 0.5, "run": run]
        case nil: return ["value": request.input, "seconds": 0.5, "run": run]
        }
    }

    static func run(failure: CallError?, isWhole: Bool) -> Value {
        let usage: Value = ["prompt_tokens": 40, "completion_tokens": 2, "cost_usd": 0.25]
        var map: ValueMap = [
            "number": 7, "pipeline": "support", "seconds": 0.5, "steps_ended": 2, "usage": usage,
            "failure": failure.map {
                ["code": .string($0.code.rawValue), "path": .list($0.path.map(Value.string))]
            } ?? .null,
        ]
        guard isWhole else { return .map(map) }
        let call: Value = [
            "operation": "predict", "route": "pool p", "worker": "p/1.0", "reason": "forced",
            "duration_ms": 400.5, "usage": usage, "failure": nil,
        ]
        func step(_ path: [String], _ time: Double, _ calls: [Value] = []) -> Value {
            [
                "path": .list(path.map(Value.string)), "began_ms": 0.0,
                "duration_ms": .double(time),
                "failure": nil, "calls": .list(calls),
            ]
        }
        map["steps"] = [
            step(["support"], 500), step(["support", "1 Search"], 0.1234),
            step(["support", "2 Validate", "answer 1"], 41.26, [call]),
        ]
        map["omitted"] = 3
        return .map(map)
    }

    func pipelines(plan: String?) async throws(CallError) -> Value {
        switch plan {
        case nil:
            [
                "pipelines": [
                    [
                        "name": "support", "input": "String", "output": "String",
                        "steps": ["1 Search", "2 Validate"],
                    ]
                ]
            ]
        case "support": ["name": "support", "text": "a tree\n", "dot": "digraph {}\n"]
        default: throw CallError(.unknownPipeline, "did you mean `support`?")
        }
    }

    func runs(number: Int?) async throws(CallError) -> Value {
        guard number == nil else { return Self.run(failure: nil, isWhole: true) }
        var map = Self.run(failure: nil, isWhole: false).map ?? [:]
        map["age_s"] = 61.5
        return ["runs": [.map(map)]]
    }

    func drain() async {
        drained += 1
        if endsWhenDrained { ends.open() }
    }

    func stop() async {
        stopped += 1
        if endsWhenStopped { ends.open() }
    }

    func end() { ends.open() }
}

/// Something to wait for, until it is opened or the task is cancelled.
struct Gate: Sendable {
    private let stream: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func wait() async { for await _ in stream {} }
    func open() { continuation.finish() }
}

/// Text that a command wrote.
final class MemorySink: TextSink {
    private let written = Lock("")
    /// Whether the reader has gone.
    let isClosed: Bool

    init(isClosed: Bool = false) { self.isClosed = isClosed }

    var text: String { written.withLock(\.self) }

    func write(_ text: String) throws {
        if isClosed { throw OutputClosed() }
        written.withLock { $0 += text }
    }
}

/// What a command line came to.
struct Outcome: Sendable, Equatable {
    let code: ExitCode
    let output: String
    let errors: String
}

/// Runs a command line with the run directories under `base`.
func krait(
    _ arguments: [String],
    base: String,
    input: String = "",
    environment: [String: String] = [:],
    isInteractive: Bool = false,
    // Another signal than the real ones, which other tests send to this process.
    interruptions: [Int32] = [SIGWINCH],
    programs: Programs = Programs()
) async -> Outcome {
    let (output, errors) = (MemorySink(), MemorySink())
    var variables = ["KRAIT_RUN_DIRECTORY": base, "PATH": "/usr/bin:/bin"]
    variables.merge(environment) { $1 }
    let context = CommandContext(
        output: output,
        errors: errors,
        readInput: { _ in Array(input.utf8) },
        environment: variables,
        arguments: arguments,
        isInteractive: isInteractive,
        interruptions: interruptions
    )
    let runner = CommandRunner(
        root: commandTree(programs),
        context: context,
        interruptions: interruptions
    )
    let code = await runner.run(arguments)
    return Outcome(code: code, output: output.text, errors: errors.text)
}

/// Makes a shell script that can be executed at once.
///
/// Another process writes it: were the file open for writing here while some test forks, the child
/// would hold it open for a moment, and the system refuses to execute such a file.
func writeScript(_ text: String, at path: String) async throws {
    let write = #"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 700 "$2""#
    let run = try await ProgramRun.run(
        "sh",
        ["-c", write, "sh", text, path],
        timeout: .seconds(60)
    )
    guard run.end == .exited(0) else { throw SystemError("write \(path)", code: 5) }
}

/// A client that says what it is told to, whether it is in the protocol or not.
final class RawClient: Sendable {
    private let socket: Descriptor
    private let buffer = Lock(LineBuffer(limit: 64 << 20))

    init(_ path: String) throws {
        socket = try UnixSocket.connect(to: path)
        _ = fcntl(socket.number, F_SETFL, 0)
    }

    func send(_ text: String) throws { try socket.writeAll(Array(text.utf8)) }

    /// Ends this side's direction only.
    func endSending() { shutdown(socket.number, Int32(SHUT_WR)) }

    /// The next line; nil at the end.
    func line() async throws -> String? {
        try await DedicatedThread.run {
            while true {
                if case .whole(let line)? = self.buffer.withLock({ $0.next() }) {
                    return String(decoding: line, as: UTF8.self)
                }
                let bytes = try self.socket.read(upTo: 64 << 10)
                if bytes.isEmpty { return nil }
                self.buffer.withLock { $0.append(bytes) }
            }
        }
    }
}

/// Serves a scripted core at a run directory of that name for as long as `body` runs.
func withServer<Result: Sendable>(
    _ core: ScriptedCore,
    name: String = "default",
    base: String,
    limits: LineServerLimits = LineServerLimits(),
    user: uid_t = geteuid(),
    events: EventSink = .none,
    _ body: (RunDirectory) async throws -> Result
) async throws -> Result {
    let directory = try RunDirectory(name: name, chosen: base, environment: [:])
    let claimed = try ClaimedRunDirectory(directory)
    let record = DaemonRecord(identity: .current, run: "cafe", name: name, version: "0")
    try claimed.write(record)
    let listener = try UnixSocket.listen(at: directory.controlSocket, backlog: 8)
    let server = try LineServer(listener, limits: limits)
    let service = ControlService(
        core: core,
        record: record,
        stop: { now in if now { await core.stop() } else { await core.drain() } },
        events: events,
        user: user
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run(service.handler(lineBytes: limits.lineBytes)) }
        let result = try await body(directory)
        group.cancelAll()
        return result
    }
}
