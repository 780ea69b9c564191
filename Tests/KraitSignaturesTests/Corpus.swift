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

/// A row of `signatures.jsonl`.
struct SignatureRow: Decodable, CustomStringConvertible {
    var signature: String
    var answer: Answer
    var withCustomTypes: CustomTypes?
    var withInstructions: [Instructions]

    var description: String { String(reflecting: signature) }

    struct Answer: Decodable {
        var ok: Bool
        var instructions: String?
        var signatureStr: String?
        var fields: [Field]?
        var dumpState: State?
        var error: Failure?
    }

    struct Field: Decodable {
        var name: String
        var kind: String
        var type: String
        var prefix: String
        var desc: String
        var isTypeUndefined: Bool?
        var allowsNone: Bool?
    }

    struct State: Decodable {
        var instructions: String
        var fields: [StateField]
    }

    struct StateField: Decodable {
        var prefix: String
        var description: String
    }

    struct Failure: Decodable {
        var `class`: String
        var message: String
    }

    struct CustomTypes: Decodable {
        var names: [String]
        var answer: Answer

        enum CodingKeys: CodingKey { case names }

        init(from decoder: any Decoder) throws {
            names = try decoder.container(keyedBy: CodingKeys.self).decode(
                [String].self,
                forKey: .names
            )
            answer = try Answer(from: decoder)
        }
    }

    struct Instructions: Decodable {
        var given: String
        var ok: Bool
        var instructions: String?
        var error: Failure?
    }

    enum CodingKeys: String, CodingKey { case signature, withCustomTypes, withInstructions }

    init(from decoder: any Decoder) throws {
        let row = try decoder.container(keyedBy: CodingKeys.self)
        signature = try row.decode(String.self, forKey: .signature)
        answer = try Answer(from: decoder)
        withCustomTypes = try row.decodeIfPresent(CustomTypes.self, forKey: .withCustomTypes)
        withInstructions =
            try row.decodeIfPresent([Instructions].self, forKey: .withInstructions) ?? []
    }
}
