import Krait
import KraitWire

/// A `krait.yaml` with every key, its form, its default and what it means; it can be used as it is.
enum ConfigurationReference {
    static var text: String {
        let pool = PoolDraft("general")
        var lines = [
            "# krait.yaml: every key with its default; a key that has none stands behind a #.",
            "# Durations have a unit: 500ms, 30s, 2m, 1h. Keys of language models are never",
            "# written here: `key_env` names the environment variable that holds one.",
            "",
        ]
        for setting in [Setting<ConfigurationDraft>].top {
            lines += self.lines(of: setting, in: ConfigurationDraft(), indent: "")
            if !setting.parts.isEmpty { lines.append("\(setting.name):") }
            for part in setting.parts {
                lines += self.lines(of: part, in: ConfigurationDraft(), indent: "  ")
            }
            if setting.name == "lm" { lines += cache }
            guard setting.name == "pools" else { continue }
            lines += ["pools:", "  general:"]
            for setting in [Setting<PoolDraft>].pool {
                lines += self.lines(of: setting, in: pool, indent: "    ")
                guard setting.name == "lm" else { continue }
                lines.append("    lm:")
                for setting in [Setting<ValueMap>].languageModel {
                    lines += self.lines(of: setting, in: [:], indent: "      ")
                }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static var cache: [String] {
        Setting<CacheDraft>.cache.reduce(into: ["  cache:"]) { lines, setting in
            lines += self.lines(of: setting, in: CacheDraft(), indent: "    ")
        }
    }

    private static func lines<Target>(
        of setting: Setting<Target>,
        in target: Target,
        indent: String
    ) -> [String] {
        let comment = "\(setting.documentation) [\(setting.typeName)]"
        var lines = HelpText.paragraph(comment, indent: 0, width: HelpText.width - indent.count - 2)
            .split(separator: "\n").map { "\(indent)# \($0)" }
        if let text = setting.defaultText(target) {
            lines.append("\(indent)\(setting.name): \(text)")
        } else if let example = setting.example {
            // An adapter is the one key that must be there and has no default.
            let isNeeded = setting.name == "adapter"
            lines.append("\(indent)\(isNeeded ? "" : "# ")\(setting.name): \(example)")
        }
        return lines
    }
}
