import Foundation
import KraitObservability
import Testing

/// The rules, on the project's own files.
@Suite struct TreeTests {
    private let tree = Tree.present

    /// A rule that looks at one file at a time.
    enum Rule: String, CaseIterable {
        case layering, bans, lengths, wording, suites

        func findings(in file: SourceFile) -> [Finding] {
            switch self {
            case .layering: Layering.findings(in: file)
            case .bans: Bans.findings(in: file)
            case .lengths: Lengths.findings(in: file)
            case .wording: Wording.findings(in: file)
            case .suites: Suites.findings(in: file)
            }
        }
    }

    @Test func `the tree is found`() {
        let paths = Set(tree.files.map(\.path))
        let some = ["Package.swift", "Makefile", ".ci/test", "Tests/TidyTests/TreeTests.swift"]
        #expect(some.filter { !paths.contains($0) } == [])
        #expect(paths.filter { $0.hasPrefix(".build/") } == [])
        let lock = tree.file("Sources/KraitObservability/Lock.swift")?.target
        #expect(lock == "KraitObservability")
    }

    @Test(arguments: Rule.allCases)
    func `every file keeps the rules`(rule: Rule) {
        let findings = tree.files.flatMap(rule.findings(in:))
        let list = findings.map(\.description).joined(separator: "\n")
        #expect(findings.isEmpty, "\(findings.count) places:\n\(list)")
    }

    @Test func `every exception is on the list, and nothing else`() {
        let findings = Bans.allowanceFindings(in: tree.files)
        #expect(findings == [])
    }

    @Test(arguments: [
        "README.md", "Sources/Krait/Krait.docc/Native.md",
        "Sources/Krait/Krait.docc/StreamsAndTools.md", "Sources/Krait/Krait.docc/Agents.md",
        "Sources/Krait/Krait.docc/Tables.md", "Sources/Krait/Krait.docc/Pipelines.md",
        "Sources/Krait/Krait.docc/Evaluation.md", "Sources/Krait/Krait.docc/Optimizers.md",
    ])
    func `the code in documents is compiled as it stands`(path: String) throws {
        let document = try #require(tree.file(path), "\(path) is missing")
        let examples = tree.files.filter { file in
            ["Tests/ReadmeExamples/", "Sources/SupportDesk/"].contains { file.path.hasPrefix($0) }
        }
        #expect(!Documents.swiftBlocks(in: document).isEmpty)
        #expect(Documents.exampleFindings(in: document, examples: examples) == [])
    }

    @Test func `every link between documents leads somewhere`() {
        for document in tree.files where document.path.hasSuffix(".md") {
            let findings = Documents.linkFindings(in: document) { path in
                FileManager.default.fileExists(atPath: tree.root.appendingPathComponent(path).path)
            }
            #expect(findings == [])
        }
    }

    @Test func `the page of events is the table of events`() throws {
        let path = "Sources/KraitObservability/KraitObservability.docc/Events.md"
        let file = tree.file(path)
        let page = try #require(file)
        let rows = page.lines.filter { $0.hasPrefix("| `") }
        let table = Event.allCases.map { event in
            "| `\(event.rawValue)` | \(event.level.rawValue) | \(event.documentation) |"
        }
        #expect(rows == table)
    }

    @Test(arguments: Event.allCases)
    func `every event is emitted somewhere`(event: Event) {
        let needle = ".\(event)"
        let isEmitted = tree.files.contains { file in
            file.target != nil && !file.path.hasSuffix("/Event.swift")
                && file.code.contains { $0.contains(word: needle) }
        }
        #expect(isEmitted, "\(event) is in the table and nobody emits it")
    }
}
