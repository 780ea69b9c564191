import Krait

/// `krait config`: what may stand in `krait.yaml`, and whether one is valid.
enum ConfigCommand {
    static let file = Argument<[String]>.rest("FILE", "a configuration to check")

    static let command = Command(
        name: "config",
        summary: "print a krait.yaml with every key, or check one",
        discussion: """
            Without a file it prints every key of the configuration with its meaning, form and \
            default, as a krait.yaml that can be used. With files it checks them and says all \
            that is wrong, with line and column.
            """,
        parameters: [file.parameter],
        examples: [
            .init(text: "krait config > krait.yaml", meaning: "begins a configuration"),
            .init(text: "krait config krait.yaml", meaning: "checks it"),
        ],
        exitCodes: [.configuration],
        run: run
    )

    @Sendable static func run(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) async throws -> ExitCode {
        guard arguments.wasGiven(file) else {
            try context.output.write(ConfigurationReference.text)
            return .ok
        }
        for file in arguments[file] {
            let configuration = try Configuration(file: file)
            let names = configuration.pools.map(\.name).joined(separator: ", ")
            let pools = names.isEmpty ? "no pools" : "pools: \(names)"
            try context.output.write("\(file): valid; daemon \(configuration.name), \(pools)\n")
        }
        return .ok
    }
}
