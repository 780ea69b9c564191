import Glibc
import KraitControl
import KraitEvaluation
import KraitWire

/// What an evaluation's files say: the score of each row, of the failed ones too.
struct EvaluatedRows: Sendable {
    /// One row's outcome; texts are cut, so that a million rows fit into memory.
    struct Row: Sendable {
        let score: Double
        let isFailure: Bool
        /// Tells examples apart within this process.
        let digest: Int
        let example: String
        let prediction: String
    }

    let path: String
    private(set) var rows: [Int: Row] = [:]

    private static let width = 32

    /// Reads the output of `krait evaluate` and the failures beside it.
    ///
    /// Throws a `CommandFailure` with the file's line where it is something else, or has a row
    /// twice.
    init(_ path: String) throws {
        self.path = path
        try Self.visit(path) { number, fields, place in
            guard let score = fields["score"]?.double, score.isFinite else {
                throw CommandFailure(
                    .failed,
                    "\(place) has no score: it is no output of `krait evaluate`"
                )
            }
            guard rows[number] == nil else {
                throw CommandFailure(
                    .failed,
                    "\(place) is row \(number) for a second time; remove one of the two lines"
                )
            }
            let example = fields["example"] ?? .null
            rows[number] = Row(
                score: score,
                isFailure: fields["error"] != nil,
                digest: example.hashValue,
                example: EvaluationTable.cell(Self.told(example), width: Self.width),
                prediction: EvaluationTable.cell(
                    fields["error"]?["code"] ?? Self.told(fields["prediction"] ?? .null),
                    width: Self.width
                )
            )
        }
    }

    var numbers: [Int] { rows.keys.sorted() }

    /// Added up in the rows' order, as DSPy does: sums of doubles depend on it.
    var score: BatchScore {
        numbers.reduce(into: BatchScore()) { score, number in
            if let row = rows[number] { score.add(row.score) }
        }
    }

    var failures: Int { rows.values.count(where: \.isFailure) }

    /// The first rows with all their fields.
    func table(first count: Int) throws -> EvaluationTable {
        let wanted = Set(numbers.prefix(count))
        var found: [EvaluationTable.Row] = []
        try Self.visit(path) { number, fields, _ in
            guard wanted.contains(number) else { return }
            found.append(
                EvaluationTable.Row(
                    number: number,
                    example: fields["example"]?.map ?? [:],
                    prediction: fields["prediction"]?.map,
                    score: fields["error"] == nil ? fields["score"]?.double : nil
                )
            )
        }
        return EvaluationTable(found.sorted { $0.number < $1.number }, width: Self.width)
    }

    /// What a person knows an example or a prediction by: the first text in it.
    private static func told(_ value: Value) -> Value {
        value.map?.entries.first { $0.value.string != nil }?.value ?? value
    }

    /// Goes through the lines of both files.
    private static func visit(
        _ path: String,
        _ body: (_ row: Int, _ fields: ValueMap, _ place: String) throws -> Void
    ) throws {
        let failures = path + ".failed"
        for file in [path] + (access(failures, F_OK) == 0 ? [failures] : []) {
            var lines = try BatchInput(path: file).rows()
            while let line = try lines.next() {
                let place = "\(file), line \(line.number),"
                guard let fields = try? line.value.get().map, let row = fields["row"]?.int, row > 0
                else { throw CommandFailure(.failed, "\(place) is no row of an evaluation") }
                try body(row, fields, place)
            }
        }
    }
}
