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
            let file = candidate.appending(path: "signatures.jsonl").path
            if FileManager.default.fileExists(atPath: file) { return candidate }
        }
        return nil
    }()

    static var isPresent: Bool { folder != nil }

    /// The rows of a file; lines end with `\n` only.
    static func rows<Row: Decodable>(_ name: String, as type: Row.Type) throws -> [Row] {
        guard let folder else { return [] }
        let file = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try Data(contentsOf: file).split(separator: 0x0A).map {
            try decoder.decode(Row.self, from: $0)
        }
    }
}

/// A row of `signatures.jsonl`; `krait parity` and its tests compare the answers.
struct SignatureRow: Decodable {
    var signature: String
}
