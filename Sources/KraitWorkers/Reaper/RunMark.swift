import Glibc

/// A process that is not mistaken for a later one of its number: its id and when it started.
package struct ProcessStamp: Sendable, Hashable {
    package var id: pid_t
    /// In clock ticks since boot: field 22 of `/proc/PID/stat`.
    package var startTicks: Int

    package init(id: pid_t, startTicks: Int) {
        self.id = id
        self.startTicks = startTicks
    }

    /// This process.
    package static let current = ProcessStamp(getpid()) ?? ProcessStamp(id: getpid(), startTicks: 0)

    /// The process of that number; nil where there is none, or only its exit status is left.
    package init?(_ id: pid_t) {
        guard let bytes = SmallFile.bytes("/proc/\(id)/stat", limit: 4 << 10),
            // The name in the second field may hold anything, so fields are counted from its end.
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first, state != UInt8(ascii: "Z"),
            state != UInt8(ascii: "X"), let ticks = Int(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        self.init(id: id, startTicks: ticks)
    }

    /// Whether that very process still runs.
    package var isAlive: Bool { ProcessStamp(id)?.startTicks == startTicks }
}

/// Whose a process is, as the environment variable `KRAIT_RUN` says it: `RUN:PID:TICKS`.
///
/// A run gives it to its forkservers, from which everything that comes of them inherits it, also
/// what has left its session and lost its parents.
package struct RunMark: Sendable, Hashable {
    package static let variable = "KRAIT_RUN"

    package var run: String
    /// The process that the run is part of.
    package var owner: ProcessStamp

    /// The mark of a run; what a run's id has beside letters, digits, `.`, `_` and `-` is replaced.
    package init(run: String, owner: ProcessStamp = .current) {
        let allowed = run.utf8.prefix(Self.runBytes).map { Self.isAllowed($0) ? $0 : 0x5F }
        self.run = allowed.isEmpty ? "_" : String(decoding: allowed, as: UTF8.self)
        self.owner = owner
    }

    /// Reads the variable's value; nil for whatever is not exactly of its form.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, (1...Self.runBytes).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy(Self.isAllowed), let id = pid_t(digits: parts[1]),
            let ticks = Int(digits: parts[2])
        else { return nil }
        run = String(parts[0])
        owner = ProcessStamp(id: id, startTicks: ticks)
    }

    package var text: String { "\(run):\(owner.id):\(owner.startTicks)" }

    /// The mark within a process's environment: entries that end in zero bytes.
    static func find(in environment: [UInt8]) -> RunMark? {
        let name = Array("\(variable)=".utf8)
        var start = environment.startIndex
        while start < environment.endIndex {
            let rest = environment[start...]
            if rest.starts(with: name) {
                return RunMark(
                    String(decoding: rest.dropFirst(name.count).prefix { $0 != 0 }, as: UTF8.self)
                )
            }
            guard let end = rest.firstIndex(of: 0) else { return nil }
            start = end + 1
        }
        return nil
    }

    private static let runBytes = 64

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension FixedWidthInteger {
    /// A number above zero as Krait writes it: digits, the first not zero.
    init?(digits text: some StringProtocol) {
        guard let first = text.utf8.first, first != UInt8(ascii: "0"),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Self(text)
        else { return nil }
        self = number
    }
}
