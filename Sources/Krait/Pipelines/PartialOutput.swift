import KraitObservability
import KraitPipelines
import KraitRouting
import KraitWire

/// What the latest of a run's own steps gave that can be told: the partial result of a run that
/// fails.
final class PartialOutput: Sendable {
    private let latest = Lock<(path: [String], output: any Sendable)?>(nil)

    /// Takes a step's output; one that cannot be told leaves an earlier one.
    func take(_ path: [String], _ output: any Sendable) {
        guard output is Value || output is ValueMap || output is any Encodable else { return }
        latest.withLock { $0 = (path, output) }
    }

    /// The step's path and what it gave; nil where no step has.
    var value: Value? {
        guard let (path, output) = latest.withLock(\.self) else { return nil }
        let value: Value? =
            switch output {
            case let value as Value: value
            case let map as ValueMap: .map(map)
            case let output as any Encodable: try? SignatureCoding.anyValue(of: output)
            default: nil
            }
        return value.map { ["path": .list(path.map(Value.string)), "value": $0] }
    }
}
