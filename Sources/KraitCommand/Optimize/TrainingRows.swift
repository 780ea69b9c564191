import KraitControl
import KraitWire

/// The examples of a file: a JSON object each line, with the line's number.
struct TrainingRows: Sendable {
    private(set) var rows: [ValueMap] = []
    private(set) var lines: [Int] = []
    /// The lines that are none, and why.
    private(set) var broken: [(line: Int, reason: String)] = []
    /// How many broken lines are told of one by one.
    private static let told = 5

    /// Reads the file.
    ///
    /// - Parameter skipsBroken: leaves out lines that are no objects; otherwise they are an error
    ///   that names them.
    init(_ path: String, skipsBroken: Bool) throws {
        var input = try BatchInput(path: path).rows()
        while let row = try input.next() {
            do throws(CallError) {
                rows.append(try RowProgram.fields(of: try row.value.get()))
                lines.append(row.number)
            } catch {
                broken.append((row.number, error.message))
            }
        }
        if !broken.isEmpty, !skipsBroken {
            throw CommandFailure(
                .failed,
                "\(path) has \(broken.count) broken rows:\n\(brokenText)\n"
                    + "Mend them, or leave them out with --skip-broken."
            )
        }
        guard !rows.isEmpty else { throw CommandFailure(.failed, "\(path) has no rows") }
    }

    /// The first broken lines, one a line.
    var brokenText: String {
        let first = broken.prefix(Self.told).map { "  line \($0.line): \($0.reason)" }
        let more = broken.count - first.count
        return (first + (more > 0 ? ["  and \(more) more"] : [])).joined(separator: "\n")
    }
}
