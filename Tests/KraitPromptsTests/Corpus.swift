import Foundation

/// Recorded answers of real DSPy, where they are at hand: in `KRAIT_CORPUS`, or in `shared/corpus`
/// beside the checkout or one of the folders around it.
enum Corpus {
    static let folder: URL? = {
        if let path = ProcessInfo.processInfo.environment["KRAIT_CORPUS"] {
            return URL(filePath: path)
        }
        var folder = URL(filePath: #filePath)
        for _ in 0..<6 {
            folder.deleteLastPathComponent()
            let candidate = folder.appending(path: "shared/corpus")
            let file = candidate.appending(path: "adapter.jsonl").path
            if FileManager.default.fileExists(atPath: file) { return candidate }
        }
        return nil
    }()

    static var isPresent: Bool { folder != nil }

    /// The lines of a file; they end with `\n` only.
    static func lines(_ name: String) throws -> [String] {
        guard let folder else { return [] }
        return try Data(
            contentsOf: name.hasPrefix("/") ? URL(filePath: name) : folder.appending(path: name)
        ).split(separator: 0x0A).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
