import Glibc
import KraitControl
import KraitObservability

/// `krait stop`: ends the daemon and waits until nothing of it is left.
enum StopCommand {
    static let now = Argument.flag("now", "do not wait for the calls that run")
    static let timeout = Argument.option(
        "timeout",
        "TIME",
        .duration,
        default: .seconds(60),
        "how long to wait for its end"
    )

    static let command = Command(
        name: "stop",
        summary: "stop the daemon",
        discussion: """
            Asks the daemon to take nothing new, to finish what runs (for its drain timeout at \
            most) and to end, and waits until it has. A daemon that does not answer is sent \
            SIGTERM. With --now, calls that run fail at once.
            """,
        parameters: DaemonChoice.parameters + [now.parameter, timeout.parameter],
        examples: [
            .init(text: "krait stop", meaning: "waits for the calls that run"),
            .init(text: "krait stop --name lab --now", meaning: "does not, for the daemon `lab`"),
        ],
        exitCodes: [.failed, .notRunning],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let client = try DaemonChoice.client(arguments, context)
        let deadline = ContinuousClock.now + arguments[timeout]
        let record = try await ask(client, now: arguments[now])
        guard try await waitForEnd(of: record.identity, before: deadline) else {
            throw CommandFailure(
                .failed,
                "the daemon named \(record.name) (pid \(record.identity.pid)) still runs after "
                    + "\(TextForm<Duration>.duration.write(arguments[timeout])); "
                    + "`krait stop --now` does not wait for its calls"
            )
        }
        client.directory.removeRemains()
        try context.output.write("stopped \(record.name) (pid \(record.identity.pid))\n")
        return .ok
    }

    /// Tells the daemon to end: over the socket, or by signals where it does not answer.
    private static func ask(_ client: ControlClient, now: Bool) async throws -> DaemonRecord {
        do {
            let patience: Duration = now ? .seconds(2) : .seconds(5)
            let answer = try await client.ask(.stop(now: now), timeout: patience)
            guard let record = DaemonRecord(answer) else {
                throw ControlClientError.notKrait(client.directory.controlSocket)
            }
            return record
        } catch let error as ControlClientError {
            guard let record = DaemonRecord(file: client.directory.record), record.identity.isAlive
            else {
                client.directory.removeRemains()
                throw error
            }
            try await signal(record.identity, now: now)
            return record
        }
    }

    /// Ends a daemon that does not answer.
    ///
    /// What it started ends with it in any case: each worker watches a pipe that only the daemon
    /// holds open.
    ///
    /// With `now` it is told twice, and after `patience` killed.
    static func signal(
        _ process: ProcessIdentity,
        now: Bool,
        patience: Duration = .seconds(3)
    ) async throws {
        // The start time made sure that the signal meets the daemon and nobody else.
        guard kill(process.pid, SIGTERM) == 0 || errno == ESRCH else {
            throw SystemError("send SIGTERM to \(process.pid)")
        }
        guard now, try await !waitForEnd(of: process, before: .now + patience / 6) else { return }
        kill(process.pid, SIGTERM)
        if try await !waitForEnd(of: process, before: .now + patience) {
            kill(process.pid, SIGKILL)
        }
    }

    private static func waitForEnd(
        of process: ProcessIdentity,
        before deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        try await DedicatedThread.run {
            // Another process's end can be watched, not waited for: a look each 5 ms costs nothing.
            while process.isAlive {
                guard ContinuousClock.now < deadline else { return false }
                usleep(5_000)
            }
            return true
        }
    }
}
