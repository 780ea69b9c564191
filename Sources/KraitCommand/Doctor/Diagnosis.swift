import Krait
import KraitControl
import KraitWire

/// One line of the doctor's: what was looked at, how it is, and how to mend it.
struct Finding: Sendable, Equatable {
    enum Level: String, Sendable {
        case ok
        case warn
        case fail
    }

    let level: Level
    let title: String
    let detail: String
    /// What to do; nil where all is well.
    let remedy: String?

    static func ok(_ title: String, _ detail: String) -> Finding {
        Finding(level: .ok, title: title, detail: detail, remedy: nil)
    }
    static func warn(_ title: String, _ detail: String, remedy: String) -> Finding {
        Finding(level: .warn, title: title, detail: detail, remedy: remedy)
    }
    static func fail(_ title: String, _ detail: String, remedy: String) -> Finding {
        Finding(level: .fail, title: title, detail: detail, remedy: remedy)
    }
}

/// Judges facts.
///
/// Pure: the same facts give the same findings.
struct Diagnosis {
    /// The interpreter must be at least this.
    static let pythonVersion = [3, 11]
    /// Below this much shared memory large payloads soon have no room.
    static let sharedMemoryBytes = 64 << 20
    private static let setUp = "run `make demo` once in Krait's folder, which sets it up"

    let facts: DoctorFacts

    var findings: [Finding] {
        facts.libraries.map(library)
            + facts.interpreters.flatMap(interpreter)
            + [memory, sharedMemory, runDirectory, configuration]
            + keys + [documents] + (facts.echo.map { [echo($0)] } ?? [])
    }

    private func library(_ library: DoctorFacts.Library) -> Finding {
        guard let version = library.version else {
            return .fail(
                library.name,
                "is not loaded",
                remedy: "as root: apt-get install \(library.package)"
            )
        }
        return .ok(library.name, version)
    }

    private func interpreter(_ interpreter: DoctorFacts.Interpreter) -> [Finding] {
        let title = interpreter.asked.map { "python (\($0))" } ?? "python"
        guard let path = interpreter.path else {
            return [
                .fail(
                    title,
                    interpreter.asked == nil ? "no .venv here and no python3 in PATH" : "not found",
                    remedy: "as root: apt-get install python3 python3-venv; then \(Self.setUp)"
                )
            ]
        }
        if let problem = interpreter.problem {
            return [
                .fail(title, "\(path): \(problem)", remedy: "name another with a pool's `python`")
            ]
        }
        let version = interpreter.version ?? "?"
        let numbers = version.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
        guard !numbers.lexicographicallyPrecedes(Self.pythonVersion) else {
            let needed = Self.pythonVersion.map(String.init).joined(separator: ".")
            return [
                .fail(
                    title,
                    "\(version) at \(path)",
                    remedy: "Krait needs Python \(needed) or later; name one with a pool's `python`"
                )
            ]
        }
        return [.ok(title, "\(version) at \(path)")] + [
            worker(interpreter), offlineLM(interpreter),
        ]
            + [dspy(interpreter)]
    }

    private func worker(_ interpreter: DoctorFacts.Interpreter) -> Finding {
        guard let version = interpreter.packages["krait_worker"] else {
            return missing("krait_worker", interpreter, install: "the folder `python` of Krait")
        }
        let wanted = Int(EnvelopeHeader.version)
        guard interpreter.protocolVersion == wanted else {
            let found = interpreter.protocolVersion.map(String.init) ?? "none"
            return .fail(
                "krait_worker",
                "\(version) speaks protocol \(found), this program \(wanted)",
                remedy: "install the package of the same version as `krait version`"
            )
        }
        return .ok("krait_worker", "\(version), protocol \(wanted)")
    }

    private func offlineLM(_ interpreter: DoctorFacts.Interpreter) -> Finding {
        guard interpreter.packages["krait_worker.offline_lm"] != nil else {
            let reason = interpreter.failures["krait_worker.offline_lm"] ?? "is missing"
            return .warn(
                "offline LM",
                reason,
                remedy: "the demo then needs a real model in KRAIT_LM; or \(Self.setUp)"
            )
        }
        return .ok("offline LM", "importable")
    }

    private func dspy(_ interpreter: DoctorFacts.Interpreter) -> Finding {
        guard let version = interpreter.packages["dspy"] else {
            return missing("dspy", interpreter, install: "dspy, which DSPy pools need")
        }
        return .ok("dspy", version)
    }

    private func missing(
        _ package: String,
        _ interpreter: DoctorFacts.Interpreter,
        install: String
    ) -> Finding {
        let path = interpreter.path ?? "python3"
        return .fail(
            package,
            interpreter.failures[package] ?? "is missing",
            remedy: "\(Self.setUp), or install \(install), with \(path) -m pip"
        )
    }

    private var memory: Finding {
        let memory = facts.memory
        let source = memory.isOfGroup ? "the control group's limit" : "the machine's"
        let all = "\(gibibytes(memory.bytes)) (\(source))"
        guard memory.workerBytes > 0 else {
            return .ok("memory", "\(all); no pool has a memory_limit")
        }
        let detail = "workers may take \(gibibytes(memory.workerBytes)) of \(all)"
        guard memory.workerBytes <= memory.bytes else {
            return .warn(
                "memory",
                detail,
                remedy: "lower memory_limit or workers: beyond it the kernel kills what it likes"
            )
        }
        return .ok("memory", detail + ", each held to its memory_limit by RLIMIT_DATA")
    }

    private func gibibytes(_ bytes: Int) -> String {
        let tenths = (bytes * 10) >> 30
        return "\(tenths / 10).\(tenths % 10) GiB"
    }

    private var sharedMemory: Finding {
        let memory = facts.sharedMemory
        let mebibytes = [memory.freeBytes, memory.usedBytes, memory.arenaBytes].map { $0 >> 20 }
        let free =
            "\(mebibytes[0]) MiB free; Krait has \(mebibytes[1]) MiB there in \(memory.segments) "
            + "segments, and \(mebibytes[2]) MiB at most with all arenas full"
        if !memory.isWritable {
            return .warn(
                "/dev/shm",
                "cannot be written",
                remedy: "large payloads go by the socket; mount a tmpfs there to have them faster"
            )
        }
        guard memory.freeBytes >= Self.sharedMemoryBytes else {
            return .warn(
                "/dev/shm",
                free,
                remedy: "large payloads go by the socket when it is full; enlarge it "
                    + "(docker run --shm-size=1g)"
            )
        }
        return .ok("/dev/shm", free)
    }

    private var runDirectory: Finding {
        switch facts.runDirectory {
        case .free(let path):
            return .ok("run directory", "\(path) (no daemon is running)")
        case .running(let path, let pid, let version):
            if version == VersionCommand.version {
                return .ok("run directory", "\(path) (a daemon is running, pid \(pid))")
            }
            return .warn(
                "run directory",
                "\(path): the daemon that runs (pid \(pid)) is version \(version)",
                remedy: "`krait stop`, then `krait start`"
            )
        case .problem(let reason):
            return .fail(
                "run directory",
                reason,
                remedy: "or set KRAIT_RUN_DIRECTORY to a folder of yours"
            )
        }
    }

    private var configuration: Finding {
        switch facts.configuration {
        case .absent:
            return .ok("configuration", "no \(Configuration.defaultFile) here; defaults apply")
        case .valid(let file, let pools):
            return .ok("configuration", "\(file), \(pools) pool\(pools == 1 ? "" : "s")")
        case .invalid(let file, let problems):
            return .fail(
                "configuration",
                problems,
                remedy: "mend \(file); `krait config` shows every key"
            )
        }
    }

    private var keys: [Finding] {
        var findings = facts.missingKeyVariables.map { variable in
            Finding.fail(
                "key \(variable)",
                "is named by the configuration and not set",
                remedy: "export \(variable) before `krait start`"
            )
        }
        if !facts.keyVariables.isEmpty {
            findings.append(.ok("keys", "set: \(facts.keyVariables.joined(separator: ", "))"))
        } else if let model = facts.model {
            findings.append(
                .warn(
                    "keys",
                    "KRAIT_LM is \(model), and no variable of a known provider's key is set",
                    remedy: "export its key, such as OPENAI_API_KEY, if the model needs one"
                )
            )
        } else {
            findings.append(.ok("keys", "none set; the offline LM needs none"))
        }
        return findings
    }

    private var documents: Finding {
        guard facts.hasDebianPolicy else {
            return .warn(
                "debian-policy",
                "is not installed; the demo reads it",
                remedy: "as root: apt-get install debian-policy; or `krait demo --documents DIR`"
            )
        }
        return .ok("debian-policy", "installed")
    }

    private func echo(_ echo: DoctorFacts.Echo) -> Finding {
        switch echo {
        case .answered(let milliseconds):
            return .ok("echo round trip", "\(milliseconds) ms")
        case .failed(let reason):
            return .fail(
                "echo round trip",
                reason,
                remedy: "mend what fails above first; `krait start --pool echo=echo:1 "
                    + "--log-level debug` shows more"
            )
        }
    }
}
