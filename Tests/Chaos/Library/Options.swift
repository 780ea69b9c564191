/// What the command line asks for.
package struct Options: Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        case load, recovery, daemon, neighbour, soak
    }

    package var mode = Mode.load
    package var calls = 100_000
    /// How long at most (load), or for how long (soak).
    package var seconds: Double?
    package var kills = 50
    package var seed: UInt64 = 1
    package var faults = FaultKind.all
    package var heartbeat: Duration = .milliseconds(500)
    /// A tenth of the calls under way, and no word about what comes late.
    package var isLight = false
    package var isJSON = false
    package var isVerbose = false
    package var wantsHelp = false
    /// As they were given.
    package private(set) var arguments: [String] = []

    package init() {}

    /// Reads arguments; throws what is wrong with them.
    package init(_ arguments: [String]) throws(ChaosError) {
        self.arguments = arguments
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": wantsHelp = true
            case "--json": isJSON = true
            case "--light": isLight = true
            case "--verbose": isVerbose = true
            case "--mode":
                let name = try Self.next(&rest, word)
                guard let found = Mode(rawValue: name) else {
                    let modes = Mode.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ChaosError("--mode \(name): the modes are \(modes)")
                }
                mode = found
            case "--calls": calls = try Self.number(&rest, word, 1...100_000_000)
            case "--kills": kills = try Self.number(&rest, word, 1...100_000)
            case "--seconds": seconds = Double(try Self.number(&rest, word, 1...1_000_000))
            case "--heartbeat":
                heartbeat = .milliseconds(try Self.number(&rest, word, 50...60_000))
            case "--seed": seed = UInt64(try Self.number(&rest, word, 0...Int.max))
            case "--faults": faults = try Self.faults(try Self.next(&rest, word))
            default: throw ChaosError("there is no option \(word); --help lists them")
            }
        }
    }

    private static func next(
        _ rest: inout ArraySlice<String>,
        _ option: String
    ) throws(ChaosError) -> String {
        guard let value = rest.popFirst() else { throw ChaosError("\(option) needs a value") }
        return value
    }

    private static func number(
        _ rest: inout ArraySlice<String>,
        _ option: String,
        _ range: ClosedRange<Int>
    ) throws(ChaosError) -> Int {
        let text = try next(&rest, option)
        guard let number = Int(text), range.contains(number) else {
            throw ChaosError(
                "\(option) \(text): a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    private static func faults(_ text: String) throws(ChaosError) -> [FaultKind] {
        if text == "all" { return FaultKind.all }
        if text == "none" { return [] }
        var kinds: [FaultKind] = []
        for name in text.split(separator: ",").map(String.init) {
            if name == "poison" {
                kinds += Poison.allCases.map { .poison($0) }
            } else if let kind = FaultKind(name: name) {
                kinds.append(kind)
            } else {
                throw ChaosError("--faults \(name): there is no such fault; --help lists them")
            }
        }
        return kinds
    }

    /// What `--help` says.
    package static var help: String {
        let faults = FaultKind.all.map { kind in
            let name = kind.description
            return "  " + name + String(repeating: " ", count: 14 - name.count) + kind.meaning
        }
        return """
            krait-chaos: breaks a running daemon in every way it knows, and keeps the books

            USAGE
              krait-chaos [--mode MODE] [--calls N] [--seconds N] [--kills N] [--seed N]
                          [--faults LIST] [--heartbeat MS] [--light] [--json] [--verbose]

            Starts the `krait` beside it in a folder of its own, keeps calls under way at five
            pools and injects faults by a seed. Every call has a token that its answer must hold:
            so a loss, a second answer and a mix-up each show. Says what it found, and ends with 1
            where something is broken. Nothing is left behind, also after Ctrl-C or a kill.

            MODES
              load        calls under a mix of faults, as many as --calls, or for --seconds
              recovery    one loss at a time, and how long it is felt
              daemon      the daemon is killed --kills times under load; what survives it?
              neighbour   what a healthy pool loses while another one fails
              soak        half the load with faults for --seconds (1800); does anything grow?

            OPTIONS
              --calls N       calls in all (100000)
              --seconds N     ends a load earlier; how long a soak or each half of a comparison is
              --kills N       of the daemon (50)
              --seed N        of all choices (1); the order of events is not the same each time
              --faults LIST   names with commas, `poison` for all calls that break a worker,
                              `all` or `none` (all)
              --heartbeat MS  of the workers (500)
              --light         a tenth of the calls under way; what comes late is not broken
              --json          one JSON object in place of the text
              --verbose       tells each fault on standard error

            FAULTS
            \(faults.joined(separator: "\n"))

            EXIT CODES
              0  all is as it must be
              1  something is broken; the report says what, and how to do it again
              2  the command line is not valid, or the run could not be set up
              130  interrupted

            EXAMPLES
              krait-chaos --calls 5000 --faults kill,stop
              krait-chaos --mode daemon --kills 10 --json

            """
    }
}
