import Glibc

/// What the kernel says of this process's control group and its memory, in cgroup v2 or v1.
package enum ControlGroup {
    /// How many processes were killed in it for lack of memory so far; 0 where that is not told.
    package static func memoryKills() -> Int {
        read("memory.events", "memory.oom_control", count(in:)) ?? 0
    }

    /// How many bytes all its processes may have together; nil for as many as the machine has.
    package static func memoryLimit() -> Int? {
        read("memory.max", "memory.limit_in_bytes", limit(in:))
    }

    /// The count of kills in a file of either version.
    static func count(in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return Int(words[1]) }
        }
        return nil
    }

    /// The limit in a file of either version; v1 writes a number past any memory for none.
    static func limit(in text: String) -> Int? {
        let digits = text.prefix { $0 != "\n" }
        return Int(digits).flatMap { $0 < 1 << 60 ? $0 : nil }
    }

    private static func read(
        _ second: String,
        _ first: String,
        _ parse: (String) -> Int?
    ) -> Int? {
        for folder in folders {
            let path = "\(folder.path)/\(folder.isSecond ? second : first)"
            if let text = SmallFile.read(path), let found = parse(text) { return found }
        }
        return nil
    }

    struct Folder: Equatable {
        var path: String
        /// Whether it is of cgroup v2.
        var isSecond: Bool
    }

    /// Where its files may be, the likelier first; looked for once.
    private static let folders = folders(of: SmallFile.read("/proc/self/cgroup") ?? "")

    /// - Parameter groups: what `/proc/self/cgroup` says.
    static func folders(of groups: String) -> [Folder] {
        var folders: [Folder] = []
        for line in groups.split(separator: "\n") {
            let fields = line.split(
                separator: ":",
                maxSplits: 2,
                omittingEmptySubsequences: false
            )
            guard fields.count == 3 else { continue }
            // In a container the path may be the host's, and the group itself is at the root.
            let paths = fields[2] == "/" ? [""] : [String(fields[2]), ""]
            if fields[0] == "0" {
                folders += paths.map { Folder(path: "/sys/fs/cgroup\($0)", isSecond: true) }
            } else if fields[1].split(separator: ",").contains("memory") {
                folders += paths.map { Folder(path: "/sys/fs/cgroup/memory\($0)", isSecond: false) }
            }
        }
        return folders
    }
}
