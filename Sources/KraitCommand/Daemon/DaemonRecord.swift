import KraitWire

/// Who a daemon is, as `daemon.json` in its run directory says it.
struct DaemonRecord: Sendable, Equatable {
    let identity: ProcessIdentity
    /// The run's own id, as in `status`.
    let run: String
    let name: String
    let version: String

    init(identity: ProcessIdentity, run: String, name: String, version: String) {
        self.identity = identity
        self.run = run
        self.name = name
        self.version = version
    }

    /// The record in a file; nil where there is none, or it is none.
    init?(file: String) {
        guard let bytes = try? readFile(file, limit: 4_096), let value = try? readJSON(bytes)
        else { return nil }
        self.init(value)
    }

    /// The record of a daemon's answer.
    init?(_ value: Value) {
        guard let pid = value["pid"]?.int, let started = value["started"]?.int,
            let run = value["run"]?.string, let name = value["name"]?.string,
            let version = value["version"]?.string,
            let number = Int32(exactly: pid), number > 0, started >= 0
        else { return nil }
        self.init(
            identity: ProcessIdentity(pid: number, started: UInt64(started)),
            run: run,
            name: name,
            version: version
        )
    }

    var value: Value {
        [
            "pid": .int(Int64(identity.pid)), "started": Value(identity.started),
            "run": .string(run), "name": .string(name), "version": .string(version),
        ]
    }

}
