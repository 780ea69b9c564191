/// What a worker's exit means, and what to do about it.
///
/// A shell's form of a signal (128 and its number) means what the signal does: a wrapper script in
/// the interpreter's place reports it so.
package enum ExitClass: Sendable, Hashable, CaseIterable {
    case leftByItself
    case uncaughtError
    case adapterNotLoaded
    case handshakeRefused
    case notExecutable
    case notFound
    case aborted
    case memoryFault
    case illegalInstruction
    case arithmeticFault
    case processorTimeUsedUp
    case terminated
    case killedByKrait
    case outOfMemory
    case killedFromOutside
    case endedWithForkserver
    case otherSignal
    case otherCode
    case unknown

    /// What is known beside the status.
    package struct Circumstances: Sendable, Equatable {
        /// Whether Krait sent SIGKILL while the process still ran.
        package var wasKilledByKrait: Bool
        /// How many processes the kernel killed in Krait's control group for lack of memory during
        /// the worker's life.
        package var outOfMemoryKills: Int
        package var limits: WorkerLimits

        package init(
            wasKilledByKrait: Bool = false,
            outOfMemoryKills: Int = 0,
            limits: WorkerLimits = WorkerLimits()
        ) {
            self.wasKilledByKrait = wasKilledByKrait
            self.outOfMemoryKills = outOfMemoryKills
            self.limits = limits
        }
    }

    package init(_ status: ExitStatus, _ circumstances: Circumstances) {
        switch status {
        case .exited(let code) where code > 128 && code <= 128 + 64:
            self = Self.ofSignal(code - 128, circumstances)
        case .exited(let code): self = Self.codes[code] ?? .otherCode
        case .signalled(let number): self = Self.ofSignal(number, circumstances)
        case .orphaned: self = .endedWithForkserver
        case .disconnected: self = .unknown
        case .unknown: self = circumstances.wasKilledByKrait ? .killedByKrait : .unknown
        }
    }

    private static let codes: [Int: ExitClass] = [
        0: .leftByItself, 1: .uncaughtError, 3: .adapterNotLoaded, 4: .handshakeRefused,
        126: .notExecutable, 127: .notFound,
    ]

    private static let signals: [Int: ExitClass] = [
        4: .illegalInstruction, 6: .aborted, 7: .memoryFault, 8: .arithmeticFault,
        11: .memoryFault, 15: .terminated, 24: .processorTimeUsedUp,
    ]

    private static func ofSignal(_ number: Int, _ circumstances: Circumstances) -> ExitClass {
        guard number == 9 else { return signals[number] ?? .otherSignal }
        if circumstances.wasKilledByKrait { return .killedByKrait }
        return circumstances.outOfMemoryKills > 0 ? .outOfMemory : .killedFromOutside
    }

    /// What the status means, as the words behind it.
    package var meaning: String {
        switch self {
        case .leftByItself: "it left by itself, by os._exit(0) or for a SIGTERM from outside"
        case .uncaughtError: "an error that nothing caught ended the interpreter"
        case .adapterNotLoaded: "its adapter could not be loaded"
        case .handshakeRefused: "the two sides could not agree"
        case .notExecutable: "the interpreter could not be executed"
        case .notFound: "the interpreter was not found"
        case .aborted: "native code found its own state broken and aborted"
        case .memoryFault: "native code touched memory that is not its own"
        case .illegalInstruction: "native code is not for this processor, or was overwritten"
        case .arithmeticFault: "native code divided by zero"
        case .processorTimeUsedUp: "it had used up its processor time"
        case .terminated: "it was asked to end from outside, twice or before it was ready"
        case .killedByKrait: "Krait ended it"
        case .outOfMemory: "the kernel killed a process here for lack of memory, likely this one"
        case .killedFromOutside: "it was killed from outside, perhaps for lack of memory"
        case .endedWithForkserver: "workers do not outlive the process that made them"
        case .otherSignal: "nothing of Krait sends that signal"
        case .otherCode: "its code ended the process"
        case .unknown: "nobody could tell how it ended"
        }
    }

    /// What to do about it; nil where there is nothing to do, or the status says it.
    package func remedy(_ limits: WorkerLimits) -> String? {
        switch self {
        case .leftByItself, .terminated: "leave ending workers to Krait"
        case .otherCode:
            "look for os._exit in the adapter, and raise an exception instead"
        case .uncaughtError: "the traceback is in the log"
        case .adapterNotLoaded, .handshakeRefused: "the log has its last lines"
        case .notExecutable, .notFound: "check the pool's `python`; `krait doctor` looks at it"
        case .aborted, .memoryFault:
            limits.memoryBytes == nil
                ? "set PYTHONFAULTHANDLER: 1 in the pool's environment to see where"
                : "code that does not check its allocations ends so at the pool's memory_limit; "
                    + "set PYTHONFAULTHANDLER: 1 in its environment to see where"
        case .illegalInstruction, .arithmeticFault:
            "set PYTHONFAULTHANDLER: 1 in the pool's environment to see where"
        case .processorTimeUsedUp: "raise the pool's cpu_limit, or take it away"
        case .outOfMemory, .killedFromOutside:
            limits.memoryBytes == nil
                ? "run fewer workers, or set memory_limit, which makes it an error of the call"
                : "run fewer workers, or lower memory_limit; `dmesg` names what the kernel killed"
        case .otherSignal: "look for who sent it"
        case .killedByKrait, .endedWithForkserver, .unknown: nil
        }
    }
}

extension ExitStatus {
    /// The status in words, with its meaning and what to do.
    package func explained(_ circumstances: ExitClass.Circumstances) -> String {
        let kind = ExitClass(self, circumstances)
        let remedy = kind.remedy(circumstances.limits).map { "; \($0)" } ?? ""
        return "\(self): \(kind.meaning)\(remedy)"
    }
}
