import KraitWire

/// How a setting's value is read from a node of the file, and shown in the reference.
struct SettingType<Value: Sendable>: Sendable {
    /// What the reference calls it.
    let name: String
    /// Reads the node, or adds to `problems` what is wrong with it and returns nil.
    let read: @Sendable (YAMLNode, _ path: String, inout [ConfigurationProblem]) -> Value?
    /// The value as YAML on one line; nil where there is nothing to show.
    let write: @Sendable (Value) -> String?
}

extension SettingType {
    /// A value of a text form.
    ///
    /// A plain and a quoted scalar are the same here.
    static func form(_ form: TextForm<Value>) -> SettingType {
        SettingType(
            name: form.name,
            read: { node, path, problems in
                guard case .scalar(let text, _) = node.content, !node.isNull else {
                    let problem = "\(path) must be a value (\(form.name)), not \(node.kindName)"
                    problems.append(.init(problem, at: node.position))
                    return nil
                }
                do throws(TextProblem) {
                    return try form.read(text)
                } catch {
                    problems.append(.init("\(path) \(error.reason)", at: node.position))
                    return nil
                }
            },
            write: { form.write($0) }
        )
    }

    /// A value that need not be there; `null` says so.
    static func optional<Wrapped>(_ type: SettingType<Wrapped>) -> SettingType
    where Value == Wrapped? {
        SettingType(
            name: type.name,
            read: { node, path, problems in
                node.isNull ? .some(nil) : type.read(node, path, &problems).map(Optional.some)
            },
            write: { $0.flatMap(type.write) }
        )
    }
}

extension SettingType where Value == [String] {
    /// A list of texts; one text alone is a list of it.
    static let texts = SettingType(
        name: "list of text",
        read: { node, path, problems in
            switch node.content {
            case .list(let nodes):
                let text = SettingType<String>.form(.text)
                let texts = nodes.enumerated().map { index, node in
                    text.read(node, "\(path)[\(index)]", &problems)
                }
                return texts.contains(nil) ? nil : texts.compactMap(\.self)
            case .scalar(let text, _) where !node.isNull: return [text]
            case .map, .scalar:
                let problem = "\(path) must be a list of text, not \(node.kindName)"
                problems.append(.init(problem, at: node.position))
                return nil
            }
        },
        write: { $0.isEmpty ? nil : "[\($0.joined(separator: ", "))]" }
    )
}

extension SettingType where Value == [String: String] {
    /// Environment variables: a map of text, in which nothing may be that looks like a secret.
    static let environment = SettingType(
        name: "map of text",
        read: { node, path, problems in
            guard let entries = mapEntries(node, path, &problems) else { return nil }
            var variables: [String: String] = [:]
            for entry in entries {
                let place = "\(path).\(entry.key)"
                if SecretName.matches(entry.key) {
                    problems.append(.init(SecretName.problem(place), at: entry.position))
                } else if case .scalar(let text, _) = entry.value.content {
                    variables[entry.key] = text
                } else {
                    let problem = "\(place) must be text, not \(entry.value.kindName)"
                    problems.append(.init(problem, at: entry.value.position))
                }
            }
            return variables
        },
        write: { _ in nil }
    )
}

extension SettingType where Value == ValueMap {
    /// A map of whatever an adapter takes, in which nothing may be that looks like a secret.
    static let values = SettingType(
        name: "map",
        read: { node, path, problems in
            guard mapEntries(node, path, &problems) != nil else { return nil }
            let count = problems.count
            SecretName.check(node, path, &problems)
            return problems.count > count ? nil : node.value.map
        },
        write: { _ in nil }
    )
}

/// The entries of a map, or a problem and nil where the node is none.
///
/// Nothing counts as empty.
func mapEntries(
    _ node: YAMLNode,
    _ path: String,
    _ problems: inout [ConfigurationProblem]
) -> [YAMLNode.Entry]? {
    if case .map(let entries) = node.content { return entries }
    if node.isNull { return [] }
    problems.append(.init("\(path) must be a map, not \(node.kindName)", at: node.position))
    return nil
}
