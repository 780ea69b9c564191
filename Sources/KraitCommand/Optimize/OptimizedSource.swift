import Krait
import KraitControl
import KraitSignatures
import KraitWire

/// The program that a command line names: `Module:signature`, a signature, or a spec in a file.
enum OptimizedSource {
    private static let usualModule = "Predict"

    /// The program's spec; throws what is wrong with the text.
    static func spec(_ text: String, path: [String]) throws -> Value {
        if text.hasSuffix(".json") { return try spec(ofFile: text) }
        guard text.contains("->") else {
            throw UsageError(
                "PROGRAM is Module:signature, such as 'ChainOfThought:question -> answer', or a "
                    + "file NAME.json with a spec",
                path: path
            )
        }
        let parts = text.split(separator: ":", maxSplits: 1)
        let isNamed =
            parts.count == 2 && !parts[0].contains { $0 == " " || $0 == "," || $0 == "-" }
            && parts[0].first?.isUppercase == true
        let module = isNamed ? String(parts[0]) : usualModule
        let signature = isNamed ? String(parts[1].drop { $0 == " " }) : text
        do throws(SchemaError) {
            _ = try Schema(parsing: signature)
        } catch {
            if error.code != .delegated { throw CommandFailure(.failed, error.rendering) }
        }
        return ["module": .string(module), "signature": .string(signature)]
    }

    private static func spec(ofFile path: String) throws -> Value {
        let value: Value
        do {
            value = try readJSON(try readFile(path, limit: 16 << 20))
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be read as JSON: \(error)")
        }
        guard value["module"] != nil else {
            throw CommandFailure(
                .failed,
                "\(path) is no spec of a program: it has no key `module`. A saved program has only "
                    + "the state: name the program, and give the file by --from."
            )
        }
        return value
    }

    /// The optimizer's settings of `--set NAME=VALUE`, values as JSON or else as text.
    static func settings(_ given: [String], path: [String]) throws -> ValueMap {
        var map: ValueMap = [:]
        for text in given {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw UsageError("--set \(text): write NAME=VALUE", path: path)
            }
            let value = try? readJSON(Array(parts[1].utf8))
            map[String(parts[0])] = value ?? .string(String(parts[1]))
        }
        return map
    }
}
