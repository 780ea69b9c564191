import Glibc
import KraitControl
import KraitWire

/// Asks a Python interpreter about itself and its packages.
enum PythonProbe {
    /// Prints one JSON object.
    ///
    /// A package is imported for real, as a broken one is found nowhere else.
    private static let script = """
        import importlib, json, sys
        del sys.path[0]  # The working directory, whose files are nobody's packages.
        packages, failures = {}, {}
        for name in ("krait_worker", "krait_worker.offline_lm", "dspy", "zmq", "msgspec"):
            try:
                module = importlib.import_module(name)
                packages[name] = str(getattr(module, "__version__", "present"))
            except ModuleNotFoundError as error:
                if error.name != name:
                    failures[name] = f"needs {error.name}, which is missing"
            except Exception as error:
                failures[name] = f"{type(error).__name__}: {error}"[:500]
        protocol = None
        if "krait_worker" in packages:
            try:
                protocol = importlib.import_module("krait_worker.envelope").VERSION
            except Exception as error:
                failures["krait_worker"] = f"{type(error).__name__}: {error}"[:500]
        version = ".".join(map(str, sys.version_info[:3]))
        print(json.dumps({"version": version, "packages": packages, "failures": failures,
                          "protocol": protocol}))
        """

    /// Importing DSPy takes half a second, and on a cold disk far longer.
    static let patience: Duration = .seconds(60)

    static func look(
        _ asked: String?,
        environment: [String: String],
        timeout: Duration = patience
    ) async -> DoctorFacts.Interpreter {
        var facts = DoctorFacts.Interpreter(asked: asked)
        guard let path = find(asked, environment: environment) else { return facts }
        facts.path = path
        do {
            let run = try await ProgramRun.run(path, ["-c", script], timeout: timeout)
            read(run, into: &facts)
        } catch {
            facts.problem = "\(error)"
        }
        return facts
    }

    private static func read(_ run: ProgramRun, into facts: inout DoctorFacts.Interpreter) {
        // What packages print while they are imported comes before the last line.
        let line = run.output.split(separator: UInt8(ascii: "\n")).last.map(Array.init) ?? []
        guard run.end == .exited(0), let answer = try? readJSON(line) else {
            let words = String(decoding: run.errors.suffix(500), as: UTF8.self)
            facts.problem = run.end == .timedOut ? "does not answer" : "fails: \(words)"
            return
        }
        facts.version = answer["version"]?.string
        facts.packages = texts(answer["packages"])
        facts.failures = texts(answer["failures"])
        facts.protocolVersion = answer["protocol"]?.int
    }

    private static func texts(_ value: Value?) -> [String: String] {
        let entries = value?.map?.entries ?? []
        return Dictionary(
            entries.compactMap { entry in entry.value.string.map { (entry.key, $0) } },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The interpreter of a pool's `python`: its path, the one in the folder of a virtual
    /// environment, or a command; without one `.venv` here, else `python3`.
    static func find(_ asked: String?, environment: [String: String]) -> String? {
        guard let asked else {
            return find(".venv", environment: environment)
                ?? find("python3", environment: environment)
        }
        let inFolder = "\(asked)/bin/python"
        if isProgram(inFolder) { return inFolder }
        if asked.contains("/") { return isProgram(asked) ? asked : nil }
        return (environment["PATH"] ?? "").split(separator: ":").lazy
            .map { "\($0)/\(asked)" }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }
}
