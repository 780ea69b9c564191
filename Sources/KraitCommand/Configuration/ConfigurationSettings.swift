import Krait
import KraitObservability

/// A configuration while it is read, with the folder that its relative paths start from.
struct ConfigurationDraft: Sendable {
    var configuration = Configuration()
    /// The folder of the file; nil where that is the working directory.
    var folder: String?
}

extension Setting where Target == ConfigurationDraft {
    /// The keys at the top of the file.
    static let top: [Setting] = [
        Setting(
            "name",
            .form(.identifier),
            \.configuration.name,
            "The daemon's name, which tells daemons on one machine apart (`krait status --name`)."
        ),
        Setting(
            "log_level",
            .form(.logLevel),
            \.configuration.logLevel,
            "The least level that is logged."
        ),
        Setting(
            "drain_timeout",
            .form(.duration),
            \.configuration.drainTimeout,
            "How long a stopping daemon waits for the calls that run."
        ),
        Setting(
            "routing",
            .form(.choice(RoutingPolicy.allCases.map { ($0.rawValue, $0) })),
            \.configuration.routing,
            "Where a call runs that both Swift code and a pool could answer."
        ),
        Setting(
            "run_directory",
            .optional(.form(.text)),
            \.configuration.runDirectory,
            example: "/run/krait",
            "The folder for the daemon's own; the default is $XDG_RUNTIME_DIR/krait."
        ),
        Setting("lm", parts: gateway, "What the daemon asks language models itself."),
        Setting(
            "sessions",
            parts: sessions,
            "How many sessions there may be, and where they are kept."
        ),
        Setting(
            "pools",
            typeName: "map of pools by name",
            "The pools of Python workers.",
            read: readPools
        ),
        Setting(
            "fallbacks",
            typeName: "map of lists of pools, or native, by operation",
            example: "{predict: [small, native]}",
            "Where an operation's calls go when their pool cannot take them, in order.",
            read: readFallbacks
        ),
    ]

    @Sendable private static func readFallbacks(
        _ node: YAMLNode,
        path: String,
        draft: inout ConfigurationDraft,
        problems: inout [ConfigurationProblem]
    ) {
        for entry in mapEntries(node, path, &problems) ?? [] {
            let place = "\(path).\(entry.key)"
            let names = SettingType<[String]>.texts.read(entry.value, place, &problems) ?? []
            let routes = names.map { $0 == "native" ? Route.native : .pool($0) }
            draft.configuration.fallbacks.append(Fallback(entry.key, to: routes))
        }
    }

    private static let maximumPools = 64

    @Sendable private static func readPools(
        _ node: YAMLNode,
        path: String,
        draft: inout ConfigurationDraft,
        problems: inout [ConfigurationProblem]
    ) {
        guard let entries = mapEntries(node, path, &problems) else { return }
        if entries.count > maximumPools {
            problems.append(.init("more than \(maximumPools) pools", at: node.position))
            return
        }
        for entry in entries {
            let place = "\(path).\(entry.key)"
            do throws(TextProblem) {
                _ = try TextForm<String>.poolName.read(entry.key)
            } catch {
                problems.append(.init("a pool's name \(error.reason)", at: entry.position))
                continue
            }
            var pool = PoolDraft(entry.key)
            let count = problems.count
            readSettings(.pool, from: entry.value, path: place, into: &pool, &problems)
            // A pool with a problem already is not asked for what it may have only misspelt.
            guard problems.count == count,
                var finished = pool.finished(path: place, at: entry.position, &problems)
            else { continue }
            finished.python = finished.python.map { draft.resolve(python: $0) }
            finished.path = finished.path.map { draft.resolve(folder: $0) }
            draft.configuration.pools.append(finished)
        }
    }
}

extension ConfigurationDraft {
    /// An interpreter: a path from the file's folder, or a command's bare name as it is.
    func resolve(python: String) -> String {
        python.contains("/") || python.hasPrefix(".") ? resolve(folder: python) : python
    }

    /// A path that, where it is relative, starts from the file's folder.
    func resolve(folder path: String) -> String {
        guard let folder, !path.hasPrefix("/") else { return path }
        return "\(folder)/\(path)"
    }
}

extension [Setting<ConfigurationDraft>] {
    static var top: [Setting<ConfigurationDraft>] { Setting.top }
}

extension TextForm where Value == LogLevel {
    static let logLevel = choice(LogLevel.allCases.map { ($0.rawValue, $0) })
}
