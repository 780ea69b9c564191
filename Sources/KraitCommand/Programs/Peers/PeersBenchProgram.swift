import Benchmarks
import Glibc
import Krait

/// `krait bench peers`: the same work for Krait and for other ways to call Python workers, in turn
/// in one run.
enum PeersBenchProgram {
    /// As `measure.py` knows them.
    static let peers = [
        "ProcessPoolExecutor", "multiprocessing.Pool", "Ray actors", "gRPC asyncio",
        "Celery with Redis", "Dask actors", "bare pyzmq",
    ]
    /// Where they are, from the project's folder, and where they are installed.
    static let folder = "Benchmarks/peers"
    static let environment = ".venv-peers"
    /// How long a round of a peer may take until it is ended, and how long until that has ended.
    static let patience = 120
    private static let installing: Duration = .seconds(1_800)

    static func run(_ request: BenchRequest, _ context: CommandContext) async throws {
        guard access("\(folder)/measure.py", R_OK) == 0 else {
            throw CommandFailure(
                .failed,
                "there is no \(folder) here; run it in the folder of Krait's sources"
            )
        }
        try await setUp(context)
        let settings = PeersBench.Settings(workers: request.workers ?? 2, duration: request.time)
        let book = Book(context, workers: settings.workers, json: request.json)
        for number in 1...request.repetitions {
            book.remark("round \(number) of \(request.repetitions): Krait")
            do {
                try await PeersBench(settings).round { book.add($0, of: "Krait", number) }
            } catch let error as CallError {
                book.add(["bench": "failed", "reason": .string("\(error)")], of: "Krait", number)
            }
            for peer in peers {
                try Task.checkCancellation()
                book.remark("round \(number) of \(request.repetitions): \(peer)")
                for line in try await round(of: peer, settings) { book.add(line, of: peer, number) }
            }
        }
        if !request.json { try context.output.write(book.table.text) }
    }

    /// Makes the environment of the peers, where that is not done; tells how far it is.
    private static func setUp(_ context: CommandContext) async throws {
        guard let python = PythonProbe.find(nil, environment: context.environment) else {
            throw CommandFailure(.startFailed, "there is no Python; see `krait doctor`")
        }
        let path = "\(ProcessEnvironment.workingFolder())/\(environment)"
        let run = try await ended(
            "\(folder)/set_up",
            [path, python],
            timeout: installing
        ) { bytes in try? context.errors.write(String(decoding: bytes, as: UTF8.self)) }
        guard run.end == .exited(0) else {
            throw CommandFailure(
                .startFailed,
                "\(environment) could not be made (\(run.end)); see above"
            )
        }
    }

    /// One round of one peer, in processes that end with it.
    private static func round(
        of peer: String,
        _ settings: PeersBench.Settings
    ) async throws -> [ValueMap] {
        let seconds = settings.duration / .seconds(1)
        let run = try await ended(
            "\(environment)/bin/python",
            [
                "\(folder)/measure.py", peer, "--workers", "\(settings.workers)", "--seconds",
                "\(seconds)", "--timeout", "\(patience)", "--arrays", "\(settings.arrays)",
                "--bytes", "\(settings.arrayBytes)", "--windows",
            ] + settings.windows.map(String.init),
            timeout: .seconds(patience + 30)
        )
        let text = String(decoding: run.output, as: UTF8.self)
        let lines = text.split(separator: "\n").compactMap { try? Value(json: String($0)).map }
        if !lines.isEmpty { return lines }
        let last = String(decoding: run.errors, as: UTF8.self).split(separator: "\n").last ?? ""
        return [["bench": "failed", "reason": .string("\(run.end): \(last)")]]
    }

    /// Runs a program, and ends it where this task is cancelled.
    private static func ended(
        _ program: String,
        _ arguments: [String],
        timeout: Duration,
        onErrors: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async throws -> ProgramRun {
        let termination = ProgramRun.Termination()
        let run = try await withTaskCancellationHandler {
            try await ProgramRun.run(
                program,
                arguments,
                timeout: timeout,
                onErrors: onErrors,
                termination: termination
            )
        } onCancel: {
            termination.request()
        }
        try Task.checkCancellation()
        return run
    }
}
