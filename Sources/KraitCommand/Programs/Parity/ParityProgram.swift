import Krait
import KraitWire

/// `krait parity`: the native side beside real DSPy.
enum ParityProgram {
    @Sendable static func run(
        _ request: ParityRequest,
        _ context: CommandContext
    ) async throws -> ExitCode {
        let tallies: [ParityTally]
        if let count = request.modules {
            let tally = try await ModulesProgram.run(count, request, context)
            return tally.failed > 0 ? .failed : .ok
        }
        switch request.source {
        case .corpus(let folder): tallies = try corpus(folder, request, context)
        case .live(let file): tallies = try await LiveProgram.file(file, request, context)
        case .generated(let count, let seed):
            tallies = try await LiveProgram.generated(count, seed: seed, request, context)
        }
        return tallies.contains { $0.failed > 0 } ? .failed : .ok
    }

    /// Writes one tally.
    static func write(
        _ tally: ParityTally,
        _ request: ParityRequest,
        _ context: CommandContext
    ) throws {
        if request.json {
            try context.output.write(try tally.value.json() + "\n")
        } else {
            try context.output.write(tally.text)
        }
    }

    private static func corpus(
        _ folder: String,
        _ request: ParityRequest,
        _ context: CommandContext
    ) throws -> [ParityTally] {
        var tallies: [ParityTally] = []
        for file in try CorpusFile.all(in: folder) {
            guard let tally = try file.compare(shown: request.shown) else {
                try context.errors.write("krait parity: skipped \(file.name): of no known kind\n")
                continue
            }
            try write(tally, request, context)
            tallies.append(tally)
        }
        guard !tallies.isEmpty else {
            throw CommandFailure(.failed, "\(folder) has no JSON-lines file of a known kind")
        }
        return tallies
    }
}
