import Glibc
import Krait
import KraitControl

/// `krait keys`: draws what a pool and the workers that join it know each other by.
enum KeysCommand {
    static let pool = Argument.positional("POOL", "the pool the workers are to join")
    static let folder = Argument.option(
        "folder",
        "DIR",
        .text,
        default: ".",
        "where both files are written"
    )

    static let command = Command(
        name: "keys",
        summary: "draw the keys by which remote workers join a pool",
        discussion: """
            Writes two files that only you may read: POOL.server.key stays with the daemon, as the \
            pool's join_keys; POOL.worker.key goes to the hosts on which `krait-worker` runs. Each \
            has its own secret half. Files that are there are never overwritten: to draw new keys, \
            which shuts out whoever has the old ones, remove them first.
            """,
        parameters: [pool.parameter, folder.parameter],
        examples: [
            .init(text: "krait keys general", meaning: "writes general.server.key and the other")
        ],
        exitCodes: [.failed],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let pool: String
        do throws(TextProblem) {
            pool = try TextForm<String>.identifier.read(arguments[self.pool])
        } catch {
            throw UsageError("\(quoted(arguments[self.pool])): \(error)", path: arguments.path)
        }
        let texts: (server: String, worker: String)
        do throws(CallError) {
            texts = try PythonPool.drawJoinKeys(for: pool)
        } catch {
            throw CommandFailure(.failed, error.message)
        }
        let base = "\(arguments[folder])/\(pool)"
        try write(texts.server, to: "\(base).server.key")
        do {
            try write(texts.worker, to: "\(base).worker.key")
        } catch {
            unlink("\(base).server.key")
            throw error
        }
        try context.output.write(
            """
            \(base).server.key: stays here; name it in the pool's join_keys
            \(base).worker.key: for the other hosts: krait-worker --connect tcp://HOST:PORT --key …

            """
        )
        return .ok
    }

    /// Writes a new file that nobody else may read, at no moment.
    private static func write(_ text: String, to path: String) throws {
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.writeAll(Array(text.utf8))
        } catch {
            let remedy = error.code == EEXIST ? "; it is there: remove it to draw new keys" : ""
            throw CommandFailure(.failed, "\(path) cannot be written: \(error)\(remedy)")
        }
    }
}
