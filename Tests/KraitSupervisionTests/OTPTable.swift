import Testing

@testable import KraitSupervision

/// What OTP's `supervisor` does, written down by hand from its documentation: no part of it is
/// computed by the code that it tests.
///
/// The tree is a, b, c, d, started in that order; a, c and d are permanent, and b is of the row's
/// restart type. b ends. "-d" says that d is stopped, "+b" that b is started, "end" that the
/// supervisor itself ends, with the reason that b could not be kept up.
enum OTPTable {
    /// How b ends, in OTP's words and in Swift's.
    enum Exit: String, CaseIterable {
        /// `exit(normal)`: it returns.
        case normal
        /// `exit(shutdown)`: it throws a `CancellationError`, though nobody cancelled it.
        case shutdown
        /// An exception: it throws.
        case error
        /// `exit(Pid, kill)` by somebody else. A task cannot be killed; what can, a process, is
        /// kept by a child that then throws.
        case killed

        var exit: ChildExit {
            switch self {
            case .normal: .finished
            case .shutdown: .shutDown
            case .error: .failed("error")
            case .killed: .failed("killed")
            }
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let strategy: Strategy
        let restart: Restart
        let exit: Exit
        /// What follows while the restart intensity allows it, and where it does not.
        let within: String
        let exceeded: String
        /// Whether b runs again afterwards, where the supervisor has not ended.
        var isRevived: Bool { within.contains("+b") }

        var testDescription: String { "\(strategy) \(restart) \(exit.rawValue)" }
    }

    /// Strategy, restart type, exit | within the intensity | beyond it.
    private static let text = """
        oneForOne  permanent normal   | +b                   | -d -c -a end
        oneForOne  permanent shutdown | +b                   | -d -c -a end
        oneForOne  permanent error    | +b                   | -d -c -a end
        oneForOne  permanent killed   | +b                   | -d -c -a end
        oneForOne  transient normal   |                      |
        oneForOne  transient shutdown |                      |
        oneForOne  transient error    | +b                   | -d -c -a end
        oneForOne  transient killed   | +b                   | -d -c -a end
        oneForOne  temporary normal   |                      |
        oneForOne  temporary shutdown |                      |
        oneForOne  temporary error    |                      |
        oneForOne  temporary killed   |                      |
        oneForAll  permanent normal   | -d -c -a +a +b +c +d | -d -c -a end
        oneForAll  permanent shutdown | -d -c -a +a +b +c +d | -d -c -a end
        oneForAll  permanent error    | -d -c -a +a +b +c +d | -d -c -a end
        oneForAll  permanent killed   | -d -c -a +a +b +c +d | -d -c -a end
        oneForAll  transient normal   |                      |
        oneForAll  transient shutdown |                      |
        oneForAll  transient error    | -d -c -a +a +b +c +d | -d -c -a end
        oneForAll  transient killed   | -d -c -a +a +b +c +d | -d -c -a end
        oneForAll  temporary normal   |                      |
        oneForAll  temporary shutdown |                      |
        oneForAll  temporary error    |                      |
        oneForAll  temporary killed   |                      |
        restForOne permanent normal   | -d -c +b +c +d       | -d -c -a end
        restForOne permanent shutdown | -d -c +b +c +d       | -d -c -a end
        restForOne permanent error    | -d -c +b +c +d       | -d -c -a end
        restForOne permanent killed   | -d -c +b +c +d       | -d -c -a end
        restForOne transient normal   |                      |
        restForOne transient shutdown |                      |
        restForOne transient error    | -d -c +b +c +d       | -d -c -a end
        restForOne transient killed   | -d -c +b +c +d       | -d -c -a end
        restForOne temporary normal   |                      |
        restForOne temporary shutdown |                      |
        restForOne temporary error    |                      |
        restForOne temporary killed   |                      |
        """

    static let rows: [Row] = text.split(separator: "\n").compactMap { line in
        let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        let words = cells[0].split(separator: " ").map(String.init)
        guard cells.count == 3, words.count == 3, let strategy = Strategy(rawValue: words[0]),
            let restart = Restart(rawValue: words[1]), let exit = Exit(rawValue: words[2])
        else { return nil }
        let follows = cells[1...].map { $0.split(separator: " ").joined(separator: " ") }
        return Row(
            strategy: strategy,
            restart: restart,
            exit: exit,
            within: follows[0],
            exceeded: follows[1]
        )
    }

    /// Siblings of every kind, one of which fails.
    ///
    /// a is permanent, b transient and done already, c temporary and done already, d temporary, e
    /// transient, f permanent.
    struct Mixed: Sendable, CustomTestStringConvertible {
        let strategy: Strategy
        let fails: ChildID
        let follows: String
        /// Who runs afterwards.
        let runs: String

        init(_ strategy: Strategy, _ fails: ChildID, _ follows: String, _ runs: String) {
            (self.strategy, self.fails, self.follows, self.runs) = (strategy, fails, follows, runs)
        }

        var testDescription: String { "\(strategy), \(fails) fails" }
    }

    static let mixed: [Mixed] = [
        // A transient child that is done is started again with its siblings, for its place in the
        // order is kept; a temporary one is forgotten once it is down, whatever took it down.
        Mixed(.oneForOne, "a", "+a", "adef"),
        Mixed(.oneForOne, "d", "", "aef"),
        Mixed(.oneForOne, "e", "+e", "adef"),
        Mixed(.oneForOne, "f", "+f", "adef"),
        Mixed(.oneForAll, "a", "-f -e -d +a +b +e +f", "abef"),
        Mixed(.oneForAll, "d", "", "aef"),
        Mixed(.oneForAll, "e", "-f -d -a +a +b +e +f", "abef"),
        Mixed(.oneForAll, "f", "-e -d -a +a +b +e +f", "abef"),
        Mixed(.restForOne, "a", "-f -e -d +a +b +e +f", "abef"),
        Mixed(.restForOne, "d", "", "aef"),
        Mixed(.restForOne, "e", "-f +e +f", "adef"),
        Mixed(.restForOne, "f", "+f", "adef"),
    ]

    /// When one permanent child fails, in milliseconds, and which of the failures the supervisor
    /// does not survive: counted from 1, nil where it survives all.
    struct Storm: Sendable, CustomTestStringConvertible {
        let maximum: Int
        let seconds: Int
        let failures: [Int]
        let fatal: Int?

        init(_ maximum: Int, in seconds: Int, _ failures: [Int], fatal: Int?) {
            (self.maximum, self.seconds) = (maximum, seconds)
            (self.failures, self.fatal) = (failures, fatal)
        }

        var testDescription: String { "\(maximum) in \(seconds) s, failures at \(failures)" }
    }

    static let storms: [Storm] = [
        Storm(0, in: 5, [0], fatal: 1),
        Storm(1, in: 5, [0], fatal: nil),
        Storm(1, in: 5, [0, 0], fatal: 2),
        Storm(3, in: 5, [0, 1_000, 2_000], fatal: nil),
        Storm(3, in: 5, [0, 1_000, 2_000, 3_000], fatal: 4),
        // What is exactly as old as the window still counts, what is older does not.
        Storm(3, in: 5, [0, 1_000, 2_000, 5_000], fatal: 4),
        Storm(3, in: 5, [0, 1_000, 2_000, 5_001], fatal: nil),
        Storm(3, in: 5, [0, 1_000, 2_000, 5_001, 6_000], fatal: 5),
        Storm(3, in: 5, [0, 1_000, 2_000, 5_001, 6_001], fatal: nil),
        // The window slides: no three failures of six are within two seconds of a fourth.
        Storm(3, in: 2, [0, 900, 1_800, 2_700, 3_600, 4_500], fatal: nil),
        Storm(2, in: 2, [0, 900, 1_800, 2_700], fatal: 3),
        Storm(1, in: 1, [0, 1_001, 2_002, 3_003], fatal: nil),
        Storm(1, in: 1, [0, 1_001, 2_001], fatal: 3),
    ]
}
