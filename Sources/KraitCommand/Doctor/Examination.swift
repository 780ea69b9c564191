import CYAML
import Glibc
import Krait
import KraitControl
import KraitWire

/// Gathers the doctor's facts from this machine.
struct Examination: Sendable {
    let context: CommandContext
    let directory: Result<RunDirectory, RunDirectoryError>
    /// The configuration to look at; nil where there is none.
    let file: String?
    let echoRoundTrip: (@Sendable (_ python: String?) async throws -> Duration)?

    /// The variables under which the usual providers' keys are set.
    static let keyVariables = [
        "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY",
        "AZURE_API_KEY", "MISTRAL_API_KEY", "GROQ_API_KEY", "DEEPSEEK_API_KEY",
        "TOGETHERAI_API_KEY", "OPENROUTER_API_KEY", "COHERE_API_KEY", "HF_TOKEN",
    ]
    private static let policyFolder = "/usr/share/doc/debian-policy"

    func facts() async -> DoctorFacts {
        var facts = DoctorFacts()
        facts.libraries = Self.libraries()
        var pools: [PythonPool] = []
        if let file {
            do throws(ConfigurationProblems) {
                pools = try Configuration(file: file).pools
                facts.configuration = .valid(file: file, pools: pools.count)
            } catch {
                facts.configuration = .invalid(file: file, problems: error.description)
            }
        }
        let asked: [String?] = pools.isEmpty ? [nil] : pools.map(\.python)
        var seen: Set<String?> = []
        for python in asked where seen.insert(python).inserted {
            let look = await PythonProbe.look(python, environment: context.environment)
            facts.interpreters.append(look)
        }
        facts.memory = Self.memory(pools)
        facts.sharedMemory = Self.sharedMemory(pools)
        facts.runDirectory = await runDirectory()
        facts.keyVariables = Self.keyVariables.filter(isSet)
        facts.missingKeyVariables = Self.namedKeys(pools).filter { !isSet($0) }
        facts.model = context.environment["KRAIT_LM"]
        facts.hasDebianPolicy = access(Self.policyFolder, R_OK) == 0
        facts.echo = await echo(python: asked.first ?? nil)
        return facts
    }

    private func isSet(_ variable: String) -> Bool {
        context.environment[variable].map { !$0.isEmpty } ?? false
    }

    private static func namedKeys(_ pools: [PythonPool]) -> [String] {
        pools.compactMap { $0.adapter.options["lm"]?["key_env"]?.string }
    }

    /// The versions that are loaded into this process, as the libraries themselves say.
    private static func libraries() -> [DoctorFacts.Library] {
        let yaml = yaml_get_version_string().map { String(cString: $0) }
        return [
            .init(name: "libzmq", package: "libzmq5", version: zeroMQVersion()),
            .init(name: "libmsgpackc", package: "libmsgpackc2", version: messagePackVersion()),
            .init(name: "libyaml", package: "libyaml-0-2", version: yaml),
        ]
    }

    private static func zeroMQVersion() -> String? {
        typealias Version =
            @convention(c) (
                UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>,
                UnsafeMutablePointer<Int32>
            ) -> Void
        guard let symbol = dlsym(nil, "zmq_version") else { return nil }
        var numbers: (Int32, Int32, Int32) = (0, 0, 0)
        unsafeBitCast(symbol, to: Version.self)(&numbers.0, &numbers.1, &numbers.2)
        return "\(numbers.0).\(numbers.1).\(numbers.2)"
    }

    private static func messagePackVersion() -> String? {
        typealias Version = @convention(c) () -> UnsafePointer<CChar>?
        guard let symbol = dlsym(nil, "msgpack_version") else { return nil }
        return unsafeBitCast(symbol, to: Version.self)().map { String(cString: $0) }
    }

    private static func memory(_ pools: [PythonPool]) -> DoctorFacts.Memory {
        let (bytes, isOfGroup) = ProcessEnvironment.memory()
        let workers = pools.reduce(0) { $0 + ($1.memoryLimit ?? 0) * $1.workers }
        return DoctorFacts.Memory(bytes: bytes, isOfGroup: isOfGroup, workerBytes: workers)
    }

    private static func sharedMemory(_ pools: [PythonPool]) -> DoctorFacts.SharedMemory {
        var status = statvfs()
        guard statvfs("/dev/shm", &status) == 0 else { return DoctorFacts.SharedMemory() }
        let segments = ProcessEnvironment.sharedSegments()
        let local = pools.filter { $0.endpoint == nil }
        return DoctorFacts.SharedMemory(
            isWritable: access("/dev/shm", W_OK) == 0,
            freeBytes: Int(status.f_bavail) * Int(status.f_frsize),
            usedBytes: segments.reduce(0, +),
            segments: segments.count,
            arenaBytes: local.reduce(0) { $0 + ($1.arena ?? 0) * (1 + $1.workers) }
        )
    }

    /// Whether the folder can be had, or who has it.
    ///
    /// What was made for it is taken away again.
    private func runDirectory() async -> DoctorFacts.RunDirectoryState {
        do {
            let directory = try directory.get()
            do {
                let record = try await ControlClient(directory: directory).ping()
                return .running(
                    path: directory.path,
                    pid: record.identity.pid,
                    version: record.version
                )
            } catch ControlClientError.notRunning {
                try ClaimedRunDirectory(directory).remove()
                return .free(path: directory.path)
            }
        } catch {
            return .problem("\(error)")
        }
    }

    private func echo(python: String?) async -> DoctorFacts.Echo? {
        guard let echoRoundTrip else { return nil }
        do {
            let time = try await echoRoundTrip(python)
            return .answered(milliseconds: (time / .milliseconds(1) * 10).rounded() / 10)
        } catch {
            return .failed("\(error)")
        }
    }
}
