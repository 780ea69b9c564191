import KraitObservability

/// Tells names under which people write secrets, so that none gets into a configuration file.
enum SecretName {
    /// Whether a value under this name would be a secret.
    static func matches(_ name: String) -> Bool { Secrets.isName(name) }

    /// What to tell somebody who wrote one; it never has the value.
    static func problem(_ path: String) -> String {
        "\(path) looks like a secret, which a configuration never holds; put it into the daemon's "
            + "environment and name the variable: `key_env: OPENAI_API_KEY`"
    }

    /// Looks for such names at any depth.
    static func check(_ node: YAMLNode, _ path: String, _ problems: inout [ConfigurationProblem]) {
        switch node.content {
        case .scalar: break
        case .list(let nodes):
            for (index, node) in nodes.enumerated() { check(node, "\(path)[\(index)]", &problems) }
        case .map(let entries):
            for entry in entries {
                let place = "\(path).\(entry.key)"
                if matches(entry.key) {
                    problems.append(.init(problem(place), at: entry.position))
                } else {
                    check(entry.value, place, &problems)
                }
            }
        }
    }
}
