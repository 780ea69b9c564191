import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// Nothing that a daemon writes holds a key, nor Krait's own lines a payload.
@Suite(.serialized, .timeLimit(.minutes(4))) struct SecretsTests {
    static let variable = "KRAIT_TEST_CREDENTIAL_X"
    static let key = "sk-recognisable-7f3a9c51"
    static let payload = "the-patient-is-called-Ximena"

    /// A lab whose processes have the key, and an LM that refuses and quotes it.
    private func lab(
        _ variable: String = Self.variable,
        _ body: (CommandLab, _ configuration: String) async throws -> Void
    ) async throws {
        try await CommandLab.open { plain in
            var lab = plain
            lab.variables = [variable: Self.key]
            let own = "\(lab.folder)/lm"
            #expect(mkdir(own, 0o700) == 0)
            let model = try Program(
                TestPools.interpreter,
                ["\(TestPools.adapters)/leaky.py"],
                environment: TestPools.environment,
                folder: own
            )
            let speaks = await eventually(within: .seconds(30)) { model.output.hasSuffix("\n") }
            try #require(speaks, "\(model.errors)")
            let port = try #require(Int(model.output.prefix { $0 != "\n" }))
            try await body(lab, try lab.configuration(Self.configuration(port: port)))
            withExtendedLifetime(model) {}
        }
    }

    private static func configuration(port: Int) -> String {
        """
        log_level: trace
        pools:
          refused:
            adapter: dspy
            workers: 1
            lm: {model: openai/x, api_base: "http://127.0.0.1:\(port)/v1", \
        key_env: \(variable), num_retries: 0}
          unreachable:
            adapter: dspy
            workers: 1
            lm: {model: openai/x, api_base: "http://127.0.0.1:9/v1", key_env: \(variable), \
        num_retries: 0}
          leaky:
            adapter: leaky:Leaky
            workers: 1
            path: ["\(TestPools.adapters)"]
            options: {variable: \(variable)}
        """
    }

    /// Calls that fail, each in a way of its own.
    static let calls: [(arguments: [String], code: String)] = {
        let inputs = #"{"question": "\#(payload)"}"#
        let asked = #"{"signature": "question -> answer", "inputs": \#(inputs)}"#
        let given = #"{"payload": "\#(payload)"}"#
        return [
            (["predict", asked, "--on", "refused"], "faulted"),
            (["chain_of_thought", asked, "--on", "unreachable"], "faulted"),
            (["predict", #"{"signature": "\#(payload) ->", "inputs": {}}"#], "invalid_input"),
            (["predict", #"{"signature": "q -> a", "inputs": \#(inputs)}"#], "invalid_input"),
            (["blurt", given], "faulted"), (["crash", given], "worker_crashed"),
            (["odd", given], "invalid_output"),
            (["slow", given, "--deadline", "300ms"], "deadline_exceeded"),
            (["blurt", #"{"other": "\#(payload)"}"#], "invalid_input"),
            (["nothing", given], "unknown_operation"),
            (["blurt", given, "--on", "nowhere"], "unknown_pool"),
        ]
    }()

    @Test func `calls fail in every way and neither key nor payload is written`() async throws {
        try await lab { lab, configuration in
            let arguments = ["start", "--detach", "--json-log", "--config", configuration]
            let start = try lab.start(arguments)
            let code = try await start.end(within: .seconds(90))
            try #require(code == 0, "\(start.errors)")
            for call in Self.calls {
                let said = try await lab.krait(["call"] + call.arguments + ["--json"])
                let error = said.json?["error"]
                #expect(error?["code"]?.string == call.code, "\(said.output)\(said.errors)")
                // The caller is shown the fault, but never the key.
                #expect(!said.output.contains(Self.key) && !said.errors.contains(Self.key))
                let message = error?["message"]?.string ?? Self.payload
                #expect(!message.contains(Self.payload), "\(message)")
                let plain = try await lab.krait(["call"] + call.arguments)
                #expect(!plain.output.contains(Self.key) && !plain.errors.contains(Self.key))
            }
            let status = try await lab.krait("status", "--json")
            #expect(status.code == 0)
            var written = [start.output, start.errors, status.output, status.errors]
            let log = wholeFile("\(lab.runDirectory)/default/daemon.log") ?? ""
            #expect(log.contains("worker.crashed"), "the log tells of the calls")
            #expect(log.contains("dying with ‹\(Self.variable)›"), "and has the workers' lines")
            written.append(log)
            for process in lab.mark.processes {
                written.append(wholeFile("/proc/\(process.id)/cmdline") ?? "")
            }
            for text in written {
                #expect(!text.contains(Self.key))
                #expect(!text.contains(Self.payload))
            }
            let stopped = try await lab.krait("stop")
            #expect(stopped.code == 0)
            #expect(!stopped.output.contains(Self.key))
        }
    }

    @Test func `a pool that cannot start says why, without the key`() async throws {
        let variable = "KRAIT_TEST_API_KEY"
        try await lab(variable) { lab, _ in
            let configuration = try lab.configuration(
                """
                log_level: trace
                pools:
                  broken:
                    adapter: leaky:Broken
                    workers: 1
                    path: ["\(TestPools.adapters)"]
                    options: {variable: \(variable)}
                """
            )
            for arguments in [["start"], ["start", "--detach"]] {
                let said = try await lab.krait(arguments + ["--config", configuration])
                #expect(said.code == 5)
                let all = said.output + said.errors
                #expect(all.contains("the key ‹\(variable)› is not accepted"), "\(all)")
                #expect(!all.contains(Self.key))
            }
        }
    }

    @Test func `an error's description has neither, and its fault no key`() async throws {
        let log = MemoryLogHandler()
        let pool = TestPools.awkward("leaky:Leaky") { pool in
            pool.adapter = .custom("leaky:Leaky", options: ["variable": .string(Self.variable)])
            // Without `key_env` a name has to say that it is a secret's.
            pool.environment = [Self.variable: Self.key, "LEAKY_API_KEY": Self.key]
        }
        let logger = Logger(label: "krait", handler: log, level: .trace)
        try await TestPools.running(pool, logger: logger) { krait in
            for operation in ["blurt", "crash", "odd"] {
                let failed = await failure { () throws(CallError) in
                    try await krait.call(operation, ["payload": .string(Self.payload)])
                }
                let error = try #require(failed)
                #expect(!"\(error)".contains(Self.payload) && !"\(error)".contains(Self.key))
                #expect(!String(reflecting: error).contains(Self.key))
            }
        }
        #expect(log.records.contains { $0.message == "dying with ‹LEAKY_API_KEY›" })
        #expect(!"\(log.records)".contains(Self.key))
        #expect(!"\(log.records)".contains(Self.payload))
    }

    @Test func `a daemon leaves no core of itself or its workers`() async throws {
        try await lab { lab, _ in
            _ = try await lab.detach("--pool", "echo=echo:1x1")
            let processes = lab.mark.processes
            #expect(processes.count >= 3)
            for process in processes {
                let limits = wholeFile("/proc/\(process.id)/limits") ?? ""
                let line = limits.split(separator: "\n").first { $0.hasPrefix("Max core file") }
                let soft = line?.split(separator: " ").dropFirst(4).first
                #expect(soft == "0", "\(line ?? "no limit")")
            }
            try await lab.krait("stop")
        }
    }
}
