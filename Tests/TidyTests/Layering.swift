/// Which target may import which: arrows point downward only.
enum Layering {
    /// DESIGN §2's table, with what building showed.
    ///
    /// Cached answers lie in the store, workers log, pools queue calls as they are on the wire,
    /// signatures are kept behind a lock, and the benchmarks' floor starts workers. An arrow to a
    /// Krait target carries those beneath that one.
    static let mayImport: [String: Set<String>] = [
        "CProcessSupport": [],
        "KraitObservability": ["CProcessSupport"],
        "KraitWire": ["CLZ4", "CMessagePack", "CZstd"],
        "KraitSignatures": ["KraitWire", "KraitObservability"],
        "KraitPrompts": ["KraitSignatures", "KraitWire", "KraitObservability"],
        "KraitEvaluation": ["KraitSignatures"],
        "KraitLM": [
            "CCurl", "CProcessSupport", "KraitWire", "KraitObservability", "KraitStore",
        ],
        "KraitControl": [
            "KraitSignatures", "KraitWire", "KraitObservability", "KraitLM", "CProcessSupport",
        ],
        "KraitZeroMQ": ["CZeroMQ", "CProcessSupport"],
        "KraitSupervision": ["KraitObservability"],
        "KraitPooling": [
            "KraitSupervision", "KraitWire", "KraitObservability", "Synchronization",
        ],
        "KraitWorkers": ["KraitWire", "KraitZeroMQ", "KraitObservability", "CProcessSupport"],
        "KraitStore": ["CProcessSupport", "CSQLite", "KraitObservability"],
        "KraitRouting": ["KraitSignatures", "KraitWire"],
        "KraitModules": ["KraitLM", "KraitRouting", "KraitPrompts"],
        "KraitPipelines": ["KraitRouting", "KraitPrompts"],
        "Krait": [
            "KraitObservability", "KraitWire", "KraitSignatures", "KraitPrompts",
            "KraitEvaluation", "KraitLM", "KraitControl", "KraitZeroMQ", "KraitSupervision",
            "KraitPooling", "KraitWorkers", "KraitStore", "KraitRouting", "KraitModules",
            "KraitPipelines",
        ],
        "Benchmarks": [
            "Krait", "KraitEvaluation", "KraitLM", "KraitModules", "KraitPrompts",
            "KraitSignatures", "KraitWire", "KraitWorkers", "CZeroMQ", "CProcessSupport",
        ],
        "SupportDesk": ["Krait"],
        "KraitCommand": reexported.union([
            "Krait", "KraitControl", "Benchmarks", "CProcessSupport", "CYAML",
        ]),
    ]

    /// What `Krait`'s users see; only these targets have anything public.
    static let reexported: Set<String> = [
        "KraitWire", "KraitSignatures", "KraitPrompts", "KraitEvaluation", "KraitPipelines",
        "KraitRouting", "KraitObservability", "KraitLM", "KraitModules",
    ]

    /// The system's modules, which everybody may import.
    static let system: Set<String> = ["Glibc", "Foundation", "FoundationEssentials"]

    static func reachable(from target: String) -> Set<String>? {
        guard let direct = mayImport[target] else { return nil }
        // Above the umbrella nothing is carried: through it one could reach everything.
        if direct.contains("Krait") { return direct }
        let carrying = direct.filter { $0.hasPrefix("Krait") }
        return carrying.reduce(into: direct) { all, below in
            all.formUnion((reachable(from: below) ?? []).filter { $0.hasPrefix("Krait") })
        }
    }

    static func imports(in file: SourceFile) -> [(line: Int, module: String)] {
        file.code.enumerated().compactMap { number, line in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let index = words.firstIndex(of: "import") else { return nil }
            // Before it stand access and attributes only.
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
            ]
            let rest = words[(index + 1)...].drop { kinds.contains($0) }
            guard let module = rest.first?.split(separator: ".").first else { return nil }
            return (number + 1, String(module))
        }
    }

    static func findings(in file: SourceFile) -> [Finding] {
        guard let target = file.target else { return [] }
        guard let allowed = reachable(from: target) else {
            return [Finding(file, "\(target) is not in the table of Layering.swift")]
        }
        var findings: [Finding] = []
        for (line, module) in imports(in: file) where !allowed.union(system).contains(module) {
            findings.append(Finding(file, line, "\(target) may not import \(module)"))
        }
        for (index, code) in file.code.enumerated() {
            if code.contains("@testable") {
                findings.append(Finding(file, index + 1, "@testable belongs into tests"))
            }
            if code.contains("@_exported") && target != "Krait" {
                findings.append(Finding(file, index + 1, "only Krait re-exports"))
            }
            if code.contains(word: "public") && target != "Krait" && !reexported.contains(target) {
                findings.append(Finding(file, index + 1, "nobody outside sees \(target): package"))
            }
        }
        return findings
    }
}
