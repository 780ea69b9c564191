import Glibc
import KraitControl
import KraitSignatures

/// A file of recorded answers: one JSON object a line, lines ended by `\n` alone.
struct CorpusFile: Sendable {
    /// The largest file that is read.
    private static let maximumBytes = 1 << 30

    let name: String
    let path: String

    /// The JSON-lines files of a folder, by name.
    static func all(in folder: String) throws -> [CorpusFile] {
        guard let directory = opendir(folder) else {
            throw CommandFailure(
                .failed,
                "cannot read the folder \(folder): \(String(cString: strerror(errno)))"
            )
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".jsonl") { names.append(name) }
        }
        return names.sorted().map { CorpusFile(name: $0, path: folder + "/" + $0) }
    }

    /// The lines that are not empty.
    func lines() throws -> [ArraySlice<UInt8>] {
        let bytes = try readFile(path, limit: Self.maximumBytes)
        return bytes.split(separator: 0x0A)
    }

    /// Compares every row; nil for a file of which no row is of a known kind.
    ///
    /// Throws where it cannot be read, and `CancellationError` between two rows.
    func compare(shown: Int) throws -> ParityTally? {
        var tally = ParityTally(file: name, shown: shown)
        var isKnown = false
        for line in try lines() {
            try Task.checkCancellation()
            do throws(ValueFailure) {
                guard let row = try ParityRow(line: Array(line)) else {
                    tally.add(.failed(ParityDifference("row", native: "JSON", python: "no JSON")))
                    continue
                }
                guard let kind = ParityKind(row) else {
                    let shape = row.entries.keys.map(\.text).joined(separator: ", ")
                    tally.add(
                        .failed(ParityDifference("row", native: "a known kind", python: shape))
                    )
                    continue
                }
                isKnown = true
                tally.add(kind.check(row))
            } catch {
                tally.add(Self.outcome(error))
            }
        }
        return isKnown ? tally : nil
    }

    private static func outcome(_ failure: ValueFailure) -> ParityOutcome {
        switch failure {
        case .delegated(let rule): .delegated(rule)
        case .raised(let exception):
            .failed(ParityDifference("row", native: "JSON", python: exception.message))
        }
    }
}
