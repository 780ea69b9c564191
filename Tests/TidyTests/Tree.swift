import Foundation

/// The files of the project, as they are on the disk.
struct Tree {
    /// Folders that hold what is made, not what is written.
    private static let made: Set<String> = [
        ".build", ".git", ".venv", ".venv-peers", ".venv-compat", "__pycache__", ".mypy_cache",
        ".pytest_cache", ".ruff_cache",
    ]

    private static let endings = [
        "swift", "py", "md", "c", "h", "toml", "yaml", "yml", "modulemap",
    ]
    private static let names: Set<String> = ["Makefile", "LICENSE", ".gitignore", ".swift-format"]

    let root: URL
    let files: [SourceFile]

    /// The tree that this file was compiled in.
    static let present = Tree(
        at: URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    )

    init(at root: URL) {
        self.root = root
        var files: [SourceFile] = []
        Self.collect(root, "", into: &files)
        self.files = files.sorted { $0.path < $1.path }
    }

    func file(_ path: String) -> SourceFile? { files.first { $0.path == path } }

    private static func collect(_ folder: URL, _ path: String, into files: inout [SourceFile]) {
        let entries = try? FileManager.default.contentsOfDirectory(
            at: folder,
            includingPropertiesForKeys: [.isDirectoryKey, .isSymbolicLinkKey]
        )
        for entry in entries ?? [] {
            let name = entry.lastPathComponent
            let values = try? entry.resourceValues(forKeys: [.isDirectoryKey, .isSymbolicLinkKey])
            if values?.isSymbolicLink == true || made.contains(name) { continue }
            if values?.isDirectory == true {
                if !name.hasSuffix(".egg-info") { collect(entry, "\(path)\(name)/", into: &files) }
                continue
            }
            let isWritten = endings.contains(entry.pathExtension) || names.contains(name)
            guard isWritten || path == ".ci/" else { continue }
            guard let data = FileManager.default.contents(atPath: entry.path) else { continue }
            files.append(SourceFile("\(path)\(name)", String(decoding: data, as: UTF8.self)))
        }
    }
}

/// One file and what it says.
struct SourceFile: Sendable {
    /// From the project's root, such as `Sources/KraitWire/Limits.swift`.
    let path: String
    let lines: [String]
    /// The lines without comments and without the contents of strings; of Swift files only.
    let code: [String]

    init(_ path: String, _ text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var mask = SwiftMask()
        code = path.hasSuffix(".swift") ? lines.map { mask.masked($0) } : []
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isPython: Bool { path.hasSuffix(".py") }
    var isTest: Bool { path.hasPrefix("Tests/") }

    /// The target a Swift file belongs to, such as `KraitWire`.
    var target: String? {
        let parts = path.split(separator: "/")
        switch parts.first {
        case "Benchmarks" where isSwift: return "Benchmarks"
        case "Sources" where isSwift: return parts.count > 2 ? String(parts[1]) : nil
        default: return nil
        }
    }
}

/// A place where a rule is broken.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    /// Counted from 1; 0 for the file as a whole.
    let line: Int
    let text: String

    init(_ file: SourceFile, _ line: Int, _ text: String) {
        path = file.path
        self.line = line
        self.text = text
    }

    init(_ file: SourceFile, _ text: String) { self.init(file, 0, text) }

    var description: String { line == 0 ? "\(path): \(text)" : "\(path):\(line): \(text)" }
}
