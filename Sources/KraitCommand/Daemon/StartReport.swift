import Glibc
import KraitControl
import KraitObservability
import KraitWire

/// What a detached daemon tells the one that started it: JSON lines over a pipe.
enum StartReport: Sendable, Equatable {
    case progress(StartProgress)
    case failed(ExitCode, String)

    init?(line: [UInt8]) {
        guard let value = try? readJSON(line) else { return nil }
        if let step = value["step"]?.string {
            self = .progress(.step(step))
        } else if value["ready"]?.bool == true {
            self = .progress(.ready)
        } else if let message = value["failed"]?.string {
            let code = value["exit"]?.int.flatMap { Int32(exactly: $0) }
            self = .failed(code.flatMap(ExitCode.init(rawValue:)) ?? .startFailed, message)
        } else {
            return nil
        }
    }

    var line: [UInt8] {
        let value: Value =
            switch self {
            case .progress(.step(let text)): ["step": .string(text)]
            case .progress(.ready): ["ready": true]
            case .failed(let code, let message):
                ["failed": .string(message), "exit": .int(Int64(code.rawValue))]
            }
        // Nothing that is nested or near any limit: it always has a text.
        return (try? value.json()).map { Array("\($0)\n".utf8) } ?? []
    }
}

/// The daemon's end of that pipe: told until the start is decided, then closed.
final class StartReporter: Sendable {
    /// Where the pipe is in a detached daemon, right behind the three usual descriptors.
    static let descriptor: Int32 = 3

    private let number: Int32
    private let state = Lock((isOpen: true, isReady: false))

    /// Takes over the descriptor.
    init(_ number: Int32 = StartReporter.descriptor) {
        self.number = number
        Descriptor.setFlags(of: number, closeOnExec: true)
    }

    var isReady: Bool { state.withLock(\.isReady) }

    /// Whoever started the daemon may be gone: then nobody is told, and the daemon goes on.
    func send(_ report: StartReport) {
        state.withLock { state in
            guard state.isOpen else { return }
            try? Descriptor.writeAll(report.line, to: number)
            if case .progress(.step) = report { return }
            state.isReady = report == .progress(.ready)
            state.isOpen = false
            close(number)
        }
    }
}
