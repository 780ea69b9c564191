import Krait
import KraitControl
import KraitWire

/// `krait resize`, `drain`, `resume` and `recycle`: what people do to a pool while it serves.
enum SteerCommands {
    static let pool = Argument.positional("POOL", "the pool's name, as `krait status` shows it")
    static let workers = Argument.positional(
        "N",
        .integer(Orchestrator.poolSizes),
        "how many workers it is to have, 1 to 1024"
    )
    static let noWait = Argument.flag("no-wait", "return as soon as the change has begun")
    static let timeout = Argument.option(
        "timeout",
        "TIME",
        .duration,
        default: .seconds(300),
        "how long to wait for it; the change itself goes on"
    )
    static let within = Argument<Duration?>.option(
        "within",
        "TIME",
        .duration,
        "how long calls may take to finish, not the daemon's drain timeout; then they fail"
    )

    static let commands = [resize, drain, resume, recycle]

    static let resize = Command(
        name: "resize",
        summary: "give a pool another number of workers",
        discussion: """
            More workers are started at once. Of too many, those with the highest numbers take no \
            new calls, finish theirs, and leave; calls that wait stay in the queue. Returns when \
            the new workers are ready and the others gone. The number holds until the daemon \
            ends: for good it belongs into the configuration (`workers`).
            """,
        parameters: parameters([pool.parameter, workers.parameter]),
        examples: [
            .init(text: "krait resize general 8", meaning: "eight workers, whatever it had"),
            .init(text: "krait resize general 1 --no-wait", meaning: "does not wait for the calls"),
        ],
        exitCodes: [.failed, .notRunning],
        run: { arguments, context in
            try await run(.resize(arguments[workers]), arguments, context)
        }
    )

    static let drain = Command(
        name: "drain",
        summary: "take a pool out of service",
        discussion: """
            The pool refuses new calls with `pool_drained`, finishes those it has accepted, and \
            ends its workers: so its code, its virtual environment or its model can be exchanged. \
            `krait resume` puts it back into service. Calls that are not done in time fail, too, \
            with `pool_drained`; with --no-wait they have all the time they want.
            """,
        parameters: parameters([pool.parameter, within.parameter]),
        examples: [
            .init(text: "krait drain general", meaning: "waits until every worker has left"),
            .init(text: "krait drain general --within 5s", meaning: "gives calls five seconds"),
        ],
        exitCodes: [.failed, .notRunning],
        run: { arguments, context in
            try await run(.drain(within: arguments[within]), arguments, context)
        }
    )

    static let resume = Command(
        name: "resume",
        summary: "put a pool back into service",
        discussion: """
            Ends what `krait drain` began, and lets a pool that has failed try at once to have \
            workers. The adapter is loaded anew, so that changed code counts. A pool that serves \
            stays as it is. Returns when every worker is ready.
            """,
        parameters: parameters([pool.parameter]),
        examples: [
            .init(text: "krait resume general", meaning: "after a drain, or when it has failed")
        ],
        exitCodes: [.failed, .notRunning],
        run: { arguments, context in try await run(.resume, arguments, context) }
    )

    static let recycle = Command(
        name: "recycle",
        summary: "replace a pool's workers, one at a time",
        discussion: """
            Loads the adapter anew, then lets each worker finish its calls and replaces it, while \
            the pool serves on: so changed code comes into service without a pause. Where it \
            cannot be loaded, nothing is changed; where its first worker cannot start, the others \
            are kept as they are.
            """,
        parameters: parameters([pool.parameter]),
        examples: [
            .init(text: "krait recycle general", meaning: "waits until the last one is replaced")
        ],
        exitCodes: [.failed, .notRunning],
        run: { arguments, context in try await run(.recycle, arguments, context) }
    )

    private static func parameters(_ own: [Parameter]) -> [Parameter] {
        own + [noWait.parameter, timeout.parameter] + DaemonChoice.parameters
            + [jsonFlag.parameter]
    }

    // MARK: Running

    private static func run(
        _ change: SteeringRequest.Change,
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let request = SteeringRequest(
            pool: arguments[pool],
            change: change,
            waiting: !arguments[noWait]
        )
        do {
            let status = try await ask(request, client, arguments[timeout], context)
            if arguments[jsonFlag] {
                try context.write(json: status)
            } else {
                try context.output.write(outcome(of: request, status) + "\n")
            }
            return .ok
        } catch let failure as ControlFailure {
            if arguments[jsonFlag] {
                try context.write(json: ["error": failure.wire])
            } else {
                try context.errors.write("krait \(request.verb): \(failure.message)\n")
            }
            return .failed
        }
    }

    /// Asks, and meanwhile tells a person how far it has come.
    private static func ask(
        _ request: SteeringRequest,
        _ client: ControlClient,
        _ patience: Duration,
        _ context: CommandContext
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                do {
                    return try await client.ask(.steer(request), timeout: patience)
                } catch ControlClientError.noAnswer where request.waiting {
                    let time = TextForm<Duration>.duration.write(patience)
                    throw CommandFailure(
                        .failed,
                        "\(request.pool) is not done after \(time); the change goes on, and "
                            + "`krait status` shows how far it has come"
                    )
                }
            }
            if context.isInteractive, request.waiting {
                group.addTask {
                    try await showProgress(of: request.pool, client, context)
                    return nil
                }
            }
            defer { group.cancelAll() }
            while let answer = try await group.next() {
                if let answer { return answer }
            }
            throw CancellationError()
        }
    }

    /// Says what the workers are at, whenever that has changed; ends when it is cancelled.
    private static func showProgress(
        of pool: String,
        _ client: ControlClient,
        _ context: CommandContext
    ) async throws {
        var shown = ""
        while !Task.isCancelled {
            // What goes wrong here is told by the one that asks for the change.
            guard (try? await Task.sleep(for: .milliseconds(500))) != nil,
                let status = try? await client.ask(.status, timeout: .seconds(5)),
                let pool = status["pools"]?.list?.first(where: { $0["name"]?.string == pool })
            else { return }
            let line = summary(of: pool)
            if line != shown { try context.errors.write(line + "\n") }
            shown = line
        }
    }

    /// Such as `general: ready; 3 workers ready, 1 retiring; 7 calls run, 2 wait`.
    static func summary(of pool: Value) -> String {
        let workers = pool["workers"]?.list ?? []
        let states = workers.compactMap { $0["state"]?.string }
        let counts = ["ready", "starting", "waiting", "retiring", "stopping"].compactMap { state in
            let count = states.count { $0 == state }
            return count == 0 ? nil : "\(count) \(state)"
        }
        let busy = workers.reduce(0) { $0 + ($1["busy"]?.int ?? 0) }
        let queued = pool["queued"]?.int ?? 0
        let who = counts.isEmpty ? "no workers" : "workers: " + counts.joined(separator: ", ")
        let calls = busy == 0 && queued == 0 ? "" : "; \(busy) calls run, \(queued) wait"
        return "\(pool["name"]?.string ?? "?"): \(pool["state"]?.string ?? "?"); \(who)\(calls)"
    }

    private static func outcome(of request: SteeringRequest, _ status: Value) -> String {
        request.waiting ? summary(of: status) : "begun: " + summary(of: status)
    }
}
