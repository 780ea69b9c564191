import Foundation
import KraitTestSupport
import Testing

/// How much is tried: a little in each run of the tests, a million in `make fuzz`.
enum FuzzRun {
    /// How many inputs each parser gets.
    static let rounds = number("KRAIT_FUZZ_ROUNDS") ?? 2_000
    /// Another seed makes other inputs.
    static let seed = UInt64(number("KRAIT_FUZZ_SEED") ?? 1)
    /// In how many parts they run beside each other.
    static let parts: Range<UInt64> = 0..<4
    /// No input of 4 KiB needs a hundredth of it, also under a sanitizer.
    static let patience = Duration.seconds(10)

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    /// Gives `body` one part's share of the inputs, and says which of them took too long.
    static func each(
        _ part: UInt64,
        _ seeds: Seeds,
        _ body: (String) throws -> Void
    ) rethrows {
        var mutator = Mutator(seed: seed &* 1_000 &+ part, seeds: seeds)
        for _ in 0..<(rounds / parts.count) {
            let text = mutator.text()
            try timed({ String(reflecting: text) }) { try body(text) }
        }
    }

    /// The same for inputs that a maker of its own makes.
    static func each<Input>(
        _ part: UInt64,
        _ make: (inout WireMutator) -> Input,
        _ body: (Input) throws -> Void
    ) rethrows {
        var mutator = WireMutator(seed: seed &* 1_000 &+ part)
        for _ in 0..<(rounds / parts.count) {
            let input = make(&mutator)
            try timed({ "\(input)" }) { try body(input) }
        }
    }

    private static func timed(_ what: () -> String, _ body: () throws -> Void) rethrows {
        let took = try processorTime(of: body)
        if took > patience { Issue.record("\(took) for \(what())") }
    }
}
