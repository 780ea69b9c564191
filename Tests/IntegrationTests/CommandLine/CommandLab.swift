import Foundation
import Glibc
import Krait
import KraitTestSupport
import KraitWorkers
import Testing

/// The built `krait` with a run directory of its own: what a user does at a shell, in a test.
struct CommandLab: Sendable {
    /// Everything of the test is below it, the run directory too.
    let folder: String
    let mark = Mark()
    /// Laid over the environment of what it starts.
    var variables: [String: String] = [:]

    /// How a command ended.
    struct Ended {
        var code: Int32
        var output: String
        var errors: String

        /// The output as JSON.
        var json: Value? { try? Value(json: output) }
    }

    var runDirectory: String { "\(folder)/run" }

    /// The shared memory that a process made.
    ///
    /// Other tests make and drop theirs at the same time.
    static func sharedMemory(of process: pid_t) -> [String] {
        SmallFile.names(in: "/dev/shm").filter { RunName($0)?.owner.id == process }
    }

    /// The program beside the test bundle.
    static let program: String = {
        let bundle = Glibc.realpath("/proc/self/exe", nil)
        defer { free(bundle) }
        let path = bundle.map { String(cString: $0) } ?? ""
        return path[..<(path.lastIndex(of: "/") ?? path.startIndex)] + "/krait"
    }()

    /// Runs `body` in a new lab; afterwards none of its processes may be left.
    static func open(_ body: (CommandLab) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let lab = CommandLab(folder: folder)
            do {
                try await body(lab)
            } catch {
                lab.killAll()
                throw error
            }
            let isEmpty = await eventually(within: .seconds(5)) { lab.mark.processes.isEmpty }
            #expect(isEmpty, "left: \(lab.mark.processes)")
            lab.killAll()
        }
    }

    private func killAll() {
        for process in mark.processes { kill(process.id, SIGKILL) }
    }

    /// Starts `krait` with these arguments.
    ///
    /// - Parameter fileBytes: what no file may grow beyond, as if the disk were full.
    func start(_ arguments: [String], fileBytes: Int? = nil) throws -> Program {
        let own = "\(folder)/\(UInt64.random(in: 0 ... .max))"
        #expect(mkdir(own, 0o700) == 0)
        let environment = mark.environment.merging(
            [
                "KRAIT_RUN_DIRECTORY": runDirectory, "KRAIT_PYTHON": TestPools.python,
                "TMPDIR": folder,
            ]
        ) { $1 }.merging(variables) { $1 }
        guard let fileBytes else {
            return try Program(Self.program, arguments, environment: environment, folder: own)
        }
        let limit = "ulimit -f \(fileBytes / 512); trap '' XFSZ; exec \"$0\" \"$@\""
        return try Program(
            "/bin/sh",
            ["-c", limit, Self.program] + arguments,
            environment: environment,
            folder: own
        )
    }

    /// Runs `krait` with these arguments to its end.
    @discardableResult
    func krait(_ arguments: String...) async throws -> Ended {
        try await krait(arguments)
    }

    /// Runs `krait` with these arguments to its end.
    func krait(_ arguments: [String]) async throws -> Ended {
        let program = try start(arguments)
        let code = try await program.end()
        return Ended(code: code, output: program.output, errors: program.errors)
    }

    /// Writes a configuration, and gives its path.
    func configuration(_ text: String) throws -> String {
        let path = "\(folder)/krait.yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Starts a detached daemon, and gives its pid.
    func detach(_ arguments: String...) async throws -> pid_t {
        let program = try start(["start", "--detach"] + arguments)
        let code = try await program.end()
        try #require(code == 0, "\(program.errors)")
        let digits = program.output.drop { $0 != "(" }.drop { !$0.isNumber }.prefix { $0.isNumber }
        return try #require(pid_t(digits), "\(program.output)")
    }

    /// What is in the run directory.
    var remains: [String] { SmallFile.names(in: runDirectory).sorted() }
}
