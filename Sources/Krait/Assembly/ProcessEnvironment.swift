import Glibc
import KraitWorkers

/// What this process was started with.
package enum ProcessEnvironment {
    /// All environment variables.
    package static func all() -> [String: String] {
        var all: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { all[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return all
    }

    /// Takes the mark of the run that this process descends from away from its later children: what
    /// they are started for is to outlive that run.
    package static func leaveRun() { unsetenv(RunMark.variable) }

    /// How many bytes all processes here may have together, and whether that is the bound of the
    /// control group or the machine's memory.
    package static func memory() -> (bytes: Int, isOfGroup: Bool) {
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        guard let limit = ControlGroup.memoryLimit(), limit < machine else {
            return (machine, false)
        }
        return (limit, true)
    }

    /// The sizes of the segments in `/dev/shm` that are Krait's and this user's, of any run.
    package static func sharedSegments() -> [Int] {
        guard let folder = opendir("/dev/shm") else { return [] }
        defer { closedir(folder) }
        var sizes: [Int] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard RunName(name)?.user == geteuid(), stat("/dev/shm/\(name)", &status) == 0 else {
                continue
            }
            sizes.append(Int(status.st_size))
        }
        return sizes
    }

    /// The folder that relative paths start from.
    package static func workingFolder() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
