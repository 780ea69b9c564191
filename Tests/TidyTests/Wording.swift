/// What is not said in files, and not in their names.
enum Wording {
    /// Names that say nothing of what is inside.
    private static let empty = ["util", "utils", "helper", "helpers", "common", "manager", "misc"]

    /// Notes of what was not done: an issue is the place for them.
    private static let notes = ["TODO", "FIXME", "XXX", "HACK"]

    /// Folders of somebody's machine.
    private static let machines = ["/work/", "/root/", "/home/", "/Users/", "/tmp/", "/opt/swift"]

    /// The rules themselves and their bad examples.
    private static let exempt = "Tests/TidyTests/"

    static func findings(in file: SourceFile) -> [Finding] {
        var findings = nameFindings(in: file)
        guard !file.path.hasPrefix(exempt) else { return findings }
        for (index, line) in file.lines.enumerated() {
            for note in notes where line.contains(word: note) {
                findings.append(Finding(file, index + 1, "\(note): do it, or open an issue"))
            }
            for machine in machines where line.mentions(machine) {
                // A folder of Krait's own in the common one is the same on any machine.
                if !line.replacing("/tmp/krait-", with: "").mentions(machine) { continue }
                findings.append(Finding(file, index + 1, "\(machine) is a place on one machine"))
            }
        }
        return findings
    }

    private static func nameFindings(in file: SourceFile) -> [Finding] {
        file.path.split(separator: "/").compactMap { part in
            let name = String(part.prefix { $0 != "." })
            let pieces = name.split { $0 == "_" || $0 == "-" }
            let words = pieces.flatMap { humps(String($0)) }
            guard let word = words.last, empty.contains(word.lowercased()) else { return nil }
            return Finding(file, "\(part): name it after what it does")
        }
    }

    /// The words of a camel-case name.
    private static func humps(_ name: String) -> [String] {
        name.reduce(into: [String]()) { words, character in
            if character.isUppercase || words.isEmpty {
                words.append(String(character))
            } else {
                words[words.count - 1].append(character)
            }
        }
    }
}
