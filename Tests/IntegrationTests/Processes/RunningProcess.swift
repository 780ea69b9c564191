import Glibc
import KraitTestSupport
import KraitWorkers

/// A process as `/proc` shows it at one moment.
struct RunningProcess: Equatable {
    var id: pid_t
    var parent: pid_t
    var group: pid_t
    /// `R`, `S`, `T`, … as in `ps`.
    var state: Character

    /// The process of that number; nil where there is none, or only its exit status is left.
    init?(_ id: pid_t) {
        guard let text = wholeFile("/proc/\(id)/stat") else { return nil }
        // The name in the second field may hold anything, so fields are counted from its end.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 2, let state = fields[0].first, state != "Z", state != "X",
            let parent = pid_t(fields[1]), let group = pid_t(fields[2])
        else { return nil }
        self.id = id
        self.parent = parent
        self.group = group
        self.state = state
    }

    /// Everything that runs now.
    static func all() -> [RunningProcess] {
        SmallFile.names(in: "/proc").compactMap { pid_t($0) }.compactMap(RunningProcess.init)
    }
}

/// Marks all processes of one test, by an environment variable that each inherits.
struct Mark: Sendable {
    private static let variable = "KRAIT_TEST_MARK"
    private let text = "\(getpid())-\(UInt64.random(in: 0 ... .max))"

    /// This process's environment with the mark.
    var environment: [String: String] {
        TestPools.environment.merging([Self.variable: text]) { $1 }
    }

    /// The marked processes that run now.
    ///
    /// Between a fork and an exec, or at its end, a process can be seen without an environment, so
    /// one look that finds nobody is worth less than one that finds somebody.
    var processes: [RunningProcess] {
        let entry = "\(Self.variable)=\(text)"
        return RunningProcess.all().filter { process in
            let environment = wholeFile("/proc/\(process.id)/environ") ?? ""
            return environment.split(separator: "\0").contains { $0 == entry }
        }
    }
}
