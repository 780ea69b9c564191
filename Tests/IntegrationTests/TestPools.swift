import Foundation
import Krait

/// What the integration tests run on: the repository's own Python environment and adapters.
enum TestPools {
    static let root: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.path
    }()

    static var fixtures: String { "\(root)/Tests/Fixtures" }
    static var adapters: String { "\(fixtures)/Adapters" }

    static let environment = ProcessInfo.processInfo.environment

    /// The interpreter the doors have set up, or the one the environment names.
    static var python: String { environment["KRAIT_PYTHON"] ?? "\(root)/.venv" }

    /// The interpreter itself, where `python` may be a virtual environment's folder.
    static var interpreter: String {
        let inside = "\(python)/bin/python"
        return FileManager.default.isExecutableFile(atPath: inside) ? inside : python
    }

    static func echo(
        _ name: String = "echo",
        workers: Int = 1,
        slots: Int = 4,
        change: (inout PythonPool) -> Void = { _ in }
    ) -> PythonPool {
        var pool = PythonPool(
            name,
            adapter: .echo,
            workers: workers,
            slots: slots,
            python: python,
            timeout: .seconds(20),
            heartbeat: .seconds(1),
            startTimeout: .seconds(20)
        )
        change(&pool)
        return pool
    }

    static func awkward(
        _ type: String,
        workers: Int = 1,
        change: (inout PythonPool) -> Void = { _ in }
    ) -> PythonPool {
        echo("awkward", workers: workers) { pool in
            pool.adapter = .custom("awkward:\(type)")
            pool.path = [adapters]
            change(&pool)
        }
    }

    /// Writes an interpreter of the test's own: a shell script that runs `command`.
    ///
    /// In it `$PYTHON` is the real interpreter, and `"$@"` what Krait wants of it.
    static func writeInterpreter(in folder: String, _ command: String) throws -> String {
        let path = "\(folder)/python"
        let script = "#!/bin/sh\nPYTHON='\(interpreter)'\n\(command)\n"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    /// Runs pools for as long as `body` does.
    static func running<Result: Sendable>(
        _ pools: PythonPool...,
        mark: Mark = Mark(),
        logger: Logger = .none,
        body: @escaping @Sendable (Orchestrator) async throws -> Result
    ) async throws -> Result {
        let orchestrator = Orchestrator(
            name: "tests",
            settings: OrchestratorSettings(logger: logger, environment: mark.environment)
        ) { pools }
        return try await orchestrator.running(body)
    }
}

/// The error a call fails with, or nil where it does not.
func failure(_ body: () async throws(CallError) -> Reply) async -> CallError? {
    do throws(CallError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// How a call ended.
typealias CallOutcome = Result<Reply, CallError>

extension Result where Success == Reply, Failure == CallError {
    /// Makes a call; its reply or its error.
    static func of(_ body: () async throws(CallError) -> Reply) async -> CallOutcome {
        do throws(CallError) { return .success(try await body()) } catch { return .failure(error) }
    }

    var error: CallError? { if case .failure(let error) = self { error } else { nil } }

    /// The worker that answered.
    var worker: String? {
        guard case .success(let reply) = self, case .pool(_, let worker, _) = reply.source else {
            return nil
        }
        return worker
    }
}

extension OrchestratorStatus.Worker {
    /// Whether it is ready, in another process than that one.
    func hasReplaced(_ id: Int32) -> Bool {
        state == "ready" && processID.map { $0 != id } == true
    }
}

/// Says what was measured, for whoever reads the test's output.
func report(_ what: String, _ duration: Duration) {
    print("measured: \(what): \((duration / .milliseconds(1)).rounded()) ms")
}
