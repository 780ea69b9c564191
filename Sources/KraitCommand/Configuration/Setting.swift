import Krait
import KraitControl

/// One key of the configuration, declared once: its name and form, where it goes, what it means.
///
/// Reading the file, the messages about it and the reference all come from the tables of these.
struct Setting<Target: Sendable>: Sendable {
    let name: String
    /// What form the value has, for the reference.
    let typeName: String
    let documentation: String
    /// The value as it is in a target that nobody changed: the default, or nil for none.
    let defaultText: @Sendable (Target) -> String?
    /// A value to show in the reference, where there is no default or it would teach less.
    let example: String?
    /// The keys of a map whose values go to the same target.
    let parts: [Setting]
    let read:
        @Sendable (YAMLNode, _ path: String, inout Target, inout [ConfigurationProblem]) -> Void

    init<Value: Sendable>(
        _ name: String,
        _ type: SettingType<Value>,
        _ property: any WritableKeyPath<Target, Value> & Sendable,
        example: String? = nil,
        _ documentation: String
    ) {
        self.name = name
        typeName = type.name
        self.documentation = documentation
        self.example = example
        parts = []
        defaultText = { type.write($0[keyPath: property]) }
        read = { node, path, target, problems in
            guard let value = type.read(node, path, &problems) else { return }
            target[keyPath: property] = value
        }
    }

    /// A key whose value goes to a place that no key path names.
    init(
        _ name: String,
        typeName: String,
        example: String? = nil,
        _ documentation: String,
        read:
            @escaping @Sendable (
                YAMLNode, _ path: String, inout Target, inout [ConfigurationProblem]
            ) -> Void
    ) {
        self.name = name
        self.typeName = typeName
        self.documentation = documentation
        self.example = example
        parts = []
        defaultText = { _ in nil }
        self.read = read
    }

    /// A map with keys of its own.
    init(_ name: String, parts: [Setting], _ documentation: String) {
        self.name = name
        typeName = "map"
        self.documentation = documentation
        example = nil
        self.parts = parts
        defaultText = { _ in nil }
        read = { node, path, target, problems in
            readSettings(parts, from: node, path: path, into: &target, &problems)
        }
    }
}

/// Reads a map by a table of settings; unknown keys are problems with the nearest valid one.
func readSettings<Target: Sendable>(
    _ settings: [Setting<Target>],
    from node: YAMLNode,
    path: String,
    into target: inout Target,
    _ problems: inout [ConfigurationProblem]
) {
    guard let entries = mapEntries(node, path.isEmpty ? "the configuration" : path, &problems)
    else { return }
    for entry in entries {
        let place = path.isEmpty ? entry.key : "\(path).\(entry.key)"
        if let setting = settings.first(where: { $0.name == entry.key }) {
            setting.read(entry.value, place, &target, &problems)
        } else if SecretName.matches(entry.key) {
            problems.append(.init(SecretName.problem(place), at: entry.position))
        } else {
            problems.append(unknownKey(entry, in: path, valid: settings.map(\.name)))
        }
    }
}

private func unknownKey(
    _ entry: YAMLNode.Entry,
    in path: String,
    valid names: [String]
) -> ConfigurationProblem {
    let place = path.isEmpty ? "" : " in \(path)"
    let hint =
        NearestName.find(entry.key, among: names).map { "did you mean `\($0)`?" }
        ?? "valid are \(names.joined(separator: ", "))"
    return .init("unknown key \(quoted(entry.key))\(place); \(hint)", at: entry.position)
}
