import KraitTestSupport
import Testing

@testable import KraitWorkers

@Suite struct ExitClassTests {
    typealias Circumstances = ExitClass.Circumstances

    private static let plain = Circumstances()
    private static let limited = Circumstances(limits: WorkerLimits(memoryBytes: 1 << 30))
    private static let byKrait = Circumstances(wasKilledByKrait: true, outOfMemoryKills: 3)
    private static let starved = Circumstances(outOfMemoryKills: 1)

    struct Row: Sendable, CustomStringConvertible {
        var status: KraitWorkers.ExitStatus
        var circumstances: Circumstances
        var expected: ExitClass
        var words: String

        init(
            _ status: KraitWorkers.ExitStatus,
            _ circumstances: Circumstances,
            _ expected: ExitClass,
            _ words: String
        ) {
            self.status = status
            self.circumstances = circumstances
            self.expected = expected
            self.words = words
        }

        var description: String { "\(status)" }
    }

    static let codes: [Row] = [
        Row(.exited(0), plain, .leftByItself, "it exited with code 0: it left by itself"),
        Row(.exited(1), plain, .uncaughtError, "the traceback is in the log"),
        Row(.exited(3), plain, .adapterNotLoaded, "adapter could not be loaded"),
        Row(.exited(4), plain, .handshakeRefused, "could not agree"),
        Row(.exited(5), plain, .otherCode, "look for os._exit"),
        Row(.exited(126), plain, .notExecutable, "check the pool's `python`"),
        Row(.exited(127), plain, .notFound, "`krait doctor`"),
        Row(.exited(134), plain, .aborted, "PYTHONFAULTHANDLER"),
        Row(.exited(137), plain, .killedFromOutside, "perhaps for lack of memory"),
        Row(.exited(139), plain, .memoryFault, "memory that is not its own"),
        Row(.exited(143), plain, .terminated, "asked to end from outside"),
        Row(.exited(255), plain, .otherCode, "code 255"),
        Row(.exited(137), starved, .outOfMemory, "run fewer workers"),
    ]

    static let signals: [Row] = [
        Row(.signalled(4), plain, .illegalInstruction, "not for this processor"),
        Row(.signalled(6), plain, .aborted, "signal 6 (Aborted): native code"),
        Row(.signalled(6), limited, .aborted, "at the pool's memory_limit"),
        Row(.signalled(7), plain, .memoryFault, "signal 7"),
        Row(.signalled(8), plain, .arithmeticFault, "divided by zero"),
        Row(.signalled(9), plain, .killedFromOutside, "set memory_limit"),
        Row(.signalled(9), limited, .killedFromOutside, "lower memory_limit"),
        Row(.signalled(9), starved, .outOfMemory, "killed a process here for lack of memory"),
        Row(.signalled(9), byKrait, .killedByKrait, "signal 9 (Killed): Krait ended it"),
        Row(.signalled(11), plain, .memoryFault, "signal 11 (Segmentation fault): native"),
        Row(.signalled(11), byKrait, .memoryFault, "PYTHONFAULTHANDLER"),
        Row(.signalled(15), plain, .terminated, "leave ending workers to Krait"),
        Row(.signalled(24), plain, .processorTimeUsedUp, "raise the pool's cpu_limit"),
        Row(.signalled(10), plain, .otherSignal, "look for who sent it"),
        Row(.orphaned("it hung"), plain, .endedWithForkserver, "forkserver: it hung"),
        Row(.unknown, plain, .unknown, "it is gone: nobody could tell"),
        Row(.unknown, byKrait, .killedByKrait, "Krait ended it"),
    ]

    @Test(arguments: codes + signals)
    func `an exit is classified and says what to do`(row: Row) {
        #expect(ExitClass(row.status, row.circumstances) == row.expected)
        let text = row.status.explained(row.circumstances)
        #expect(text.contains(row.words))
        #expect(text.hasPrefix("\(row.status): "))
    }

    @Test(arguments: 0...255)
    func `every exit code has words`(code: Int) {
        let text = KraitWorkers.ExitStatus.exited(code).explained(Circumstances())
        #expect(!text.hasSuffix(": ") && !text.contains("\n"))
    }

    @Test func `every class has a meaning of its own`() {
        #expect(Set(ExitClass.allCases.map(\.meaning)).count == ExitClass.allCases.count)
    }
}
