import Glibc

/// Finds processes that carry a run's mark.
enum ProcessScan {
    /// Those of this user and of this process namespace.
    static func marked(scanned: inout Int) -> [ReaperDecision.MarkedProcess] {
        var found: [ReaperDecision.MarkedProcess] = []
        for name in SmallFile.names(in: "/proc") {
            guard let id = pid_t(digits: name) else { continue }
            scanned += 1
            if let process = look(id) { found.append(process) }
        }
        return found
    }

    /// A process with its mark; nil where it has none, or is not one to touch.
    static func look(_ id: pid_t) -> ReaperDecision.MarkedProcess? {
        var status = stat()
        guard stat("/proc/\(id)", &status) == 0, status.st_uid == geteuid(),
            let environment = SmallFile.bytes("/proc/\(id)/environ"),
            let mark = RunMark.find(in: environment), let process = ProcessStamp(id),
            namespace(of: "\(id)") == ownNamespace
        else { return nil }
        return ReaperDecision.MarkedProcess(process: process, mark: mark)
    }

    private static let ownNamespace = namespace(of: "self")

    /// The process namespace, as the kernel names it.
    private static func namespace(of process: String) -> [CChar]? {
        var name = [CChar](repeating: 0, count: 64)
        guard readlink("/proc/\(process)/ns/pid", &name, name.count - 1) > 0 else { return nil }
        return name
    }
}
