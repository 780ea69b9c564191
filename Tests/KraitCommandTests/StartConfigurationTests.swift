import Krait
import KraitTestSupport
import Testing

@testable import KraitCommand
@testable import KraitControl

/// What the command line lays over a configuration.
@Suite struct StartConfigurationTests {
    private func configuration(
        _ line: [String],
        environment: [String: String] = [:]
    ) throws -> Configuration {
        let root = commandTree(Programs(makeCore: { _ in ScriptedCore() }))
        guard case .run(let arguments) = try ArgumentParser(root: root).parse(["start"] + line)
        else { throw UsageError("no run", path: []) }
        let context = CommandContext(
            output: MemorySink(),
            errors: MemorySink(),
            readInput: { _ in [] },
            environment: environment
        )
        return try StartCommand.configuration(arguments, context)
    }

    @Test func `without any pool there is one of DSPy`() throws {
        let found = try configuration([], environment: ["KRAIT_LM": "m/x"])
        #expect(found.pools == [PythonPool("general", adapter: .dspy(model: "m/x"))])
        #expect(try configuration([]).pools == [PythonPool("general", adapter: .dspy())])
    }

    @Test func `the command line lies over the file`() throws {
        try withTemporaryDirectory { folder in
            let file = "\(folder)/k.yaml"
            let text = """
                name: filed
                log_level: error
                pools:
                  a: {adapter: dspy, workers: 7, slots: 3, lm: {model: own/one}}
                  b: {adapter: dspy, options: {x: 1}}
                """
            try Descriptor.open(file, 0o101).writeAll(Array(text.utf8))
            let found = try configuration(
                [
                    "--config", file, "--pool", "a=dspy:2", "--pool", "c=echo:1x1", "--pool",
                    "b=echo",
                ]
                    + ["--name", "told", "--log-level", "debug", "--lm", "m/x"]
                    + ["--api-base", "http://h/v1"]
            )
            #expect(found.name == "told")
            #expect(found.logLevel == .debug)
            #expect(found.pools.map(\.name) == ["a", "b", "c"])
            #expect(found.pools.map(\.workers) == [2, 2, 1])
            #expect(found.pools.map(\.slots) == [3, 16, 1])
            #expect(found.pools[0].adapter == .dspy(model: "own/one"))
            #expect(found.pools[1].adapter == .echo)
        }
    }

    @Test func `pools of DSPy without a model are remarked on`() throws {
        let none = try configuration(["--pool", "a=dspy", "--pool", "b=echo", "--pool", "c=dspy"])
        #expect(StartCommand.remark(on: none).hasPrefix("krait: no language model for a, c; name"))
        let named = try configuration(["--pool", "a=dspy", "--lm", "m/x"])
        #expect(StartCommand.remark(on: named).isEmpty)
    }

    @Test func `an LM of the command line is for DSPy pools that have none`() throws {
        let found = try configuration(
            ["--pool", "a=dspy", "--pool", "b=echo", "--lm", "m/x"],
            environment: ["KRAIT_LM": "m/other", "KRAIT_LM_API_BASE": "http://h/v1"]
        )
        #expect(found.pools[0].adapter == .dspy(model: "m/x", apiBase: "http://h/v1"))
        #expect(found.pools[1].adapter == .echo)
    }
}
