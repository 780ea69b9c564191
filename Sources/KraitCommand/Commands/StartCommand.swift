import Glibc
import Krait
import KraitControl
import KraitObservability
import KraitWire

/// `krait start`: runs the daemon, in this process or detached from it.
enum StartCommand {
    static let config = Argument<String?>.option(
        "config",
        "FILE",
        .text,
        "the configuration; without it krait.yaml, where there is one"
    )
    static let pools = Argument<[PoolArgument]>.repeated(
        "pool",
        PoolArgument.placeholder,
        .pool,
        "a pool, beside the configuration's or in place of its adapter and counts"
    )
    static let lm = Argument<String?>.option(
        "lm",
        "MODEL",
        .text,
        "the model of DSPy pools that have none, as DSPy names it; without it KRAIT_LM"
    )
    static let apiBase = Argument<String?>.option(
        "api-base",
        "URL",
        .text,
        "that model's endpoint; without it KRAIT_LM_API_BASE, or the provider's own"
    )
    static let name = Argument<String?>.option(
        "name",
        "NAME",
        .identifier,
        "the daemon's name; without it the configuration's, or default"
    )
    static let logLevel = Argument<LogLevel?>.option(
        "log-level",
        "LEVEL",
        .logLevel,
        "the least level that is logged (trace to critical)"
    )
    static let jsonLog = Argument.flag("json-log", "log JSON objects, one a line")
    static let detach = Argument.flag("detach", "return when the daemon is ready, and leave it")
    static let readyDescriptor = Argument<Int?>.option(
        "ready-descriptor",
        "N",
        .integer(3...3),
        hidden: true,
        "where a detached daemon tells how its start goes"
    )

    static func command(
        _ makeCore: @escaping @Sendable (DaemonPlan) throws -> any DaemonCore
    ) -> Command {
        Command(
            name: "start",
            summary: "start the daemon",
            discussion: """
                Starts the pools and serves until SIGTERM, Ctrl-C or `krait stop`, then finishes \
                what runs; a second signal ends it at once. With --detach it runs on in the \
                background, and the command returns when it is ready or says why it could not \
                start. Under systemd (Type=notify) it says when it is ready, and with WatchdogSec= \
                that it lives. Without any pool it has one of DSPy, `general`. `krait config` \
                prints a configuration with every key.
                """,
            parameters: [
                config.parameter, pools.parameter, lm.parameter, apiBase.parameter,
                name.parameter, DaemonChoice.runDirectory.parameter, detach.parameter,
                logLevel.parameter, jsonLog.parameter, readyDescriptor.parameter,
            ],
            examples: [
                .init(
                    text: "krait start --detach --pool general=dspy:2x16 --lm openai/gpt-4o-mini",
                    meaning: "two workers of 16 slots; the key is in OPENAI_API_KEY"
                ),
                .init(
                    text: "krait start --pool echo=echo:1 --name lab",
                    meaning: "in the foreground, beside a daemon of another name"
                ),
            ],
            exitCodes: [.failed, .configuration, .startFailed, .interrupted],
            interruption: .handled,
            run: { arguments, context in
                let configuration = try configuration(arguments, context)
                let directory = try RunDirectory(
                    name: configuration.name,
                    chosen: arguments[DaemonChoice.runDirectory] ?? configuration.runDirectory,
                    environment: context.environment
                )
                // The daemon that a detached start runs has been spoken for already.
                if arguments[readyDescriptor] == nil {
                    try context.errors.write(remark(on: configuration))
                }
                if arguments[detach] {
                    return try await DetachedStart(directory: directory).run(context)
                }
                // Nothing that the daemon starts is to speak to its manager.
                for name in ServiceNotifier.variables { unsetenv(name) }
                let start = DaemonStart(
                    configuration: configuration,
                    directory: directory,
                    logFormat: arguments[jsonLog] ? .json : nil,
                    isDetached: arguments[readyDescriptor] != nil,
                    manager: ServiceNotifier(environment: context.environment)
                )
                return try await start.run(makeCore)
            }
        )
    }

    /// What a person should know before the first call fails of it; empty where there is nothing.
    static func remark(on configuration: Configuration) -> String {
        let pools = configuration.pools.filter { pool in
            pool.adapter.name == "dspy" && pool.adapter.options["lm"]?["model"] == nil
        }
        guard !pools.isEmpty else { return "" }
        return "krait: no language model for \(pools.map(\.name).joined(separator: ", ")); "
            + "name one with --lm, KRAIT_LM or the configuration's `lm`, or with each call\n"
    }

    /// The file, and the command line laid over it.
    static func configuration(
        _ arguments: ParsedArguments,
        _ context: CommandContext
    ) throws(ConfigurationProblems) -> Configuration {
        var configuration = Configuration()
        if let file = arguments[config] {
            configuration = try Configuration(file: file)
        } else if access(Configuration.defaultFile, F_OK) == 0 {
            configuration = try Configuration(file: Configuration.defaultFile)
        }
        for pool in arguments[pools] { configuration.lay(pool) }
        if configuration.pools.isEmpty {
            configuration.pools = [PythonPool("general", adapter: .dspy())]
        }
        if let model = arguments[lm] ?? context.environment["KRAIT_LM"], !model.isEmpty {
            let base = arguments[apiBase] ?? context.environment["KRAIT_LM_API_BASE"]
            configuration.layLanguageModel(model: model, apiBase: base)
        }
        if let name = arguments[name] { configuration.name = name }
        if let level = arguments[logLevel] { configuration.logLevel = level }
        return configuration
    }
}
