import Krait
import KraitObservability

extension PeersBenchProgram {
    /// Keeps what was measured, and tells of it as it comes.
    final class Book: Sendable {
        private let context: CommandContext
        private let json: Bool
        private let workers: Int
        private let kept = Lock(PeersTable())

        init(_ context: CommandContext, workers: Int, json: Bool) {
            self.context = context
            self.json = json
            self.workers = workers
        }

        var table: PeersTable { kept.withLock { $0 } }

        /// Takes figures of a round; with `--json` they are printed at once.
        func add(_ figures: ValueMap, of peer: String, _ round: Int) {
            var line: ValueMap = ["bench": figures["bench"] ?? "failed", "path": .string(peer)]
            line["workers"] = .int(Int64(workers))
            line["repetition"] = .int(Int64(round))
            for (key, value) in figures.entries where line[key] == nil { line[key] = value }
            line["bench"] = .string("peers.\(figures["bench"]?.string ?? "failed")")
            if json { try? context.output.write(line.line) }
            line["bench"] = figures["bench"]
            kept.withLock { [line] in $0.add(line) }
        }

        /// Says what is being done, to whoever watches.
        func remark(_ text: String) {
            if context.isInteractive { try? context.errors.write("▸ \(text)\n") }
        }
    }
}
