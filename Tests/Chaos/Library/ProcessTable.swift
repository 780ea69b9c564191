import Glibc
import KraitTestSupport
import KraitWorkers

/// A process as `/proc` shows it at one moment.
package struct ProcessEntry: Equatable {
    package let id: pid_t
    package let parent: pid_t
    /// `R`, `S`, `T`, … as in `ps`.
    package let state: Character
    /// Tells apart two processes of one number.
    package let startTicks: UInt64
    package let threads: Int

    /// The process of that number; nil where there is none, or only its exit status is left.
    package init?(_ id: pid_t) {
        guard let text = wholeFile("/proc/\(id)/stat") else { return nil }
        // The name in the second field may hold anything, so fields are counted from its end.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, state != "Z", state != "X",
            let parent = pid_t(fields[1]), let threads = Int(fields[17]),
            let startTicks = UInt64(fields[19])
        else { return nil }
        self.id = id
        self.parent = parent
        self.state = state
        self.startTicks = startTicks
        self.threads = threads
    }

    /// The arguments it was started with.
    package var arguments: [String] {
        let text = wholeFile("/proc/\(id)/cmdline") ?? ""
        return text.split(separator: "\0").map(String.init)
    }

    /// Memory in bytes that is in use now.
    package var residentBytes: Int {
        let text = wholeFile("/proc/\(id)/statm") ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }

    /// How many descriptors are open.
    package var descriptors: Int { SmallFile.names(in: "/proc/\(id)/fd").count }

    /// How many it may have open.
    package var descriptorLimit: Int? {
        let text = wholeFile("/proc/\(id)/limits") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        return line?.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
    }

    /// Sends a signal, where the number still stands for this process.
    package func signal(_ number: Int32) {
        guard let now = ProcessEntry(id), now.startTicks == startTicks else { return }
        kill(id, number)
    }
}

/// What runs on this machine, and files as the system shows them.
package enum ProcessTable {
    /// An environment variable that every process of one run inherits.
    package struct Mark: Sendable, Equatable {
        package static let variable = "KRAIT_CHAOS"
        package let text: String

        package init(_ text: String) { self.text = text }

        /// The marked processes that run now.
        ///
        /// Between a fork and an exec, or at its end, a process can be seen without an environment,
        /// so one look that finds nobody is worth less than one that finds somebody.
        package var processes: [ProcessEntry] {
            let entry = "\(Self.variable)=\(text)"
            return SmallFile.names(in: "/proc").compactMap { pid_t($0) }.filter { id in
                let environment = wholeFile("/proc/\(id)/environ") ?? ""
                return environment.split(separator: "\0").contains { $0 == entry }
            }.compactMap(ProcessEntry.init)
        }
    }

    /// All files, sockets and folders below a folder, without it.
    package static func tree(in folder: String) -> [String] {
        SmallFile.names(in: folder).sorted().flatMap { name in
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                return [path]
            }
            return tree(in: path) + [path]
        }
    }

    /// Removes a folder and what is in it; links are not followed.
    package static func remove(_ folder: String) {
        for path in tree(in: folder) + [folder] where unlink(path) != 0 { rmdir(path) }
    }
}
