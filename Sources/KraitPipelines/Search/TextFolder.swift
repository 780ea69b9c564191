import Foundation
import Glibc

extension TextIndex {
    /// What a folder held that is not in the index.
    public struct Skipped: Sendable, Hashable, CustomStringConvertible {
        /// The file or folder, within the folder that was read.
        public var path: String
        /// Why, as a phrase for a person.
        public var reason: String

        /// The path and the reason, on one line.
        public var description: String { "\(path): \(reason)" }
    }

    /// How much of a folder is read.
    public struct Limits: Sendable, Hashable {
        /// A larger file is skipped.
        public var fileBytes: Int
        /// Files and folders beyond this many are skipped.
        public var files: Int
        /// Files beyond this many bytes in all are skipped.
        public var totalBytes: Int

        /// The limits of a folder of documents; the defaults suit a large manual.
        public init(fileBytes: Int = 8 << 20, files: Int = 10_000, totalBytes: Int = 256 << 20) {
            self.fileBytes = fileBytes
            self.files = files
            self.totalBytes = totalBytes
        }
    }

    /// Reads a folder and the folders within it: `.txt`, `.md`, `.rst`, `.html` and what has no
    /// ending.
    ///
    /// What is not read is in `skipped` with its reason: other kinds of files (also `.gz`), files
    /// that are too large, cannot be opened or are not UTF-8 text, links to folders, names that
    /// begin with a dot or an underscore (which is where generators keep sources and styles), and
    /// what lies beyond the limits. Blocks the calling thread while it reads: about 0.1 s for each
    /// 1.5 MB of pages.
    ///
    /// - Throws: where there is no such folder, or no document in it.
    public static func load(
        folder: String,
        limits: Limits = Limits()
    ) throws(TextIndexError) -> TextIndex {
        var reader = TextFolder(root: folder, limits: limits)
        guard reader.kind(of: folder) == .folder else {
            throw TextIndexError(folder: folder, reason: "it is not a folder that can be read")
        }
        reader.read(folder: "", depth: 0)
        if reader.documents.isEmpty {
            let first = reader.skipped.first.map { ", such as \($0)" } ?? ""
            throw TextIndexError(
                folder: folder,
                reason: "it has no .txt, .md, .rst or .html file with text; "
                    + "\(reader.skipped.count) were skipped\(first)"
            )
        }
        return TextIndex(reader.documents, skipped: reader.skipped)
    }
}

/// Why a folder cannot be made an index.
public struct TextIndexError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The folder as it was named.
    public var folder: String
    /// What is wrong with it.
    public var reason: String

    /// The folder and the reason, as a sentence.
    public var description: String { "The folder \(folder) cannot be searched: \(reason)." }
}

/// Walks a folder in the order of names, so that the same files give the same index.
private struct TextFolder {
    let root: String
    let limits: TextIndex.Limits
    var documents: [Document] = []
    var skipped: [TextIndex.Skipped] = []
    private var files = 0
    private var bytes = 0

    enum Kind { case file(size: Int), folder, other }

    init(root: String, limits: TextIndex.Limits) {
        self.root = root
        self.limits = limits
    }

    mutating func read(folder: String, depth: Int) {
        let path = folder.isEmpty ? root : "\(root)/\(folder)"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            return skip(folder, "the folder cannot be opened")
        }
        for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            guard files < limits.files else {
                return skip(folder, "more than \(limits.files) files; the rest is not read")
            }
            files += 1
            read(name, at: folder.isEmpty ? name : "\(folder)/\(name)", depth: depth)
        }
    }

    private mutating func read(_ name: String, at path: String, depth: Int) {
        if name.hasPrefix(".") || name.hasPrefix("_") {
            return skip(path, "its name begins with \(name.prefix(1))")
        }
        switch kind(of: "\(root)/\(path)") {
        case .folder where isLink("\(root)/\(path)"): skip(path, "a link to a folder")
        case .folder where depth == 32: skip(path, "folders within folders, deeper than 32")
        case .folder: read(folder: path, depth: depth + 1)
        case .file(let size): read(file: path, size: size)
        case .other: skip(path, "neither a file nor a folder")
        case nil: skip(path, "it cannot be opened")
        }
    }

    private mutating func read(file path: String, size: Int) {
        let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last
        let kind = ending.map { $0.lowercased() } ?? "txt"
        guard let read = Self.readers[kind] else {
            return skip(path, "files that end with .\(kind) are not read")
        }
        guard size <= limits.fileBytes else {
            return skip(path, "\(size) bytes; at most \(limits.fileBytes) are read")
        }
        guard bytes + size <= limits.totalBytes else {
            return skip(path, "beyond the \(limits.totalBytes) bytes that are read in all")
        }
        guard let data = FileManager.default.contents(atPath: "\(root)/\(path)") else {
            return skip(path, "it cannot be opened")
        }
        bytes += data.count
        guard !data.contains(0), let text = String(validating: data, as: UTF8.self) else {
            return skip(path, "it is not UTF-8 text")
        }
        let document = read(path, text)
        if document.sections.isEmpty { return skip(path, "it has no text") }
        documents.append(document)
    }

    private typealias Read = @Sendable (String, String) -> Document
    private static let plain: Read = { Document(name: $0, text: $1) }
    private static let html: Read = { name, text in
        let page = HTMLText.read(Array(text.utf8))
        return Document(name: name, page.sections, title: page.title)
    }
    private static let readers: [String: Read] = [
        "txt": plain, "text": plain, "md": plain, "markdown": plain, "rst": plain,
        "html": html, "htm": html, "xhtml": html,
    ]

    private mutating func skip(_ path: String, _ reason: String) {
        skipped.append(TextIndex.Skipped(path: path.isEmpty ? "." : path, reason: reason))
    }

    /// What a path leads to, links followed, or nil where it leads nowhere.
    func kind(of path: String) -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file(size: Int(status.st_size))
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    private func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}

extension TextFolder.Kind: Equatable {}
