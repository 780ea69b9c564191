import KraitWire

/// Who a daemon is, as `daemon.json` in its run directory says it.
package struct DaemonRecord: Sendable, Equatable {
    /// Krait's own version, which a daemon tells.
    package static let version = "0.1.0"

    package let identity: ProcessIdentity
    /// The run's own id, as in `status`.
    package let run: String
    package let name: String
    package let version: String

    package init(
        identity: ProcessIdentity = .current,
        run: String,
        name: String,
        version: String = Self.version
    ) {
        self.identity = identity
        self.run = run
        self.name = name
        self.version = version
    }

    /// The record in a file; nil where there is none, or it is none.
    package init?(file: String) {
        guard let bytes = try? readFile(file, limit: 4_096), let value = try? readJSON(bytes)
        else { return nil }
        self.init(value)
    }

    /// The record of a daemon's answer.
    package init?(_ value: Value) {
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

    package var value: Value {
        [
            "pid": .int(Int64(identity.pid)), "started": Value(identity.started),
            "run": .string(run), "name": .string(name), "version": .string(version),
        ]
    }
}
