import Glibc
import KraitControl
import KraitObservability
import KraitWire

extension Orchestrator {
    /// Serves as a daemon until SIGTERM, SIGINT or `krait stop`, then drains.
    ///
    /// What runs finishes within `drainTimeout`. A second signal, or cancelling the task, ends it
    /// at once.
    ///
    /// The commands of `krait` reach it by its name, as they reach `krait start`'s:
    /// `krait run PIPELINE JSON --name support-desk`, `krait status --name support-desk`. It has a
    /// run directory of its own, which only its user can enter and which is removed at the end;
    /// where systemd started the process, systemd is told how it is.
    ///
    /// - Throws: what keeps it from starting: another daemon of that name, a pipeline that names
    ///   what nobody offers. A pool whose adapter does not load is not such an error: its calls
    ///   fail with `pool_failed`, and `status()` says why.
    public func run() async throws {
        try checkDaemonName()
        let environment = ProcessEnvironment.all()
        let directory = try RunDirectory(
            name: name,
            chosen: settings.runDirectory,
            environment: environment
        )
        // From here on, so that no signal ends the process while it has something to take away.
        let signals = TerminationSignals()
        let claimed = try ClaimedRunDirectory(directory)
        let logger = settings.logger
        let daemon = Daemon(
            core: OrchestratorCore(
                self,
                in: directory.path,
                state: directory.stateFolder(environment: environment),
                needsPools: false
            ),
            record: DaemonRecord(run: run, name: name),
            logger: logger,
            report: { progress in
                switch progress {
                case .step(let text): logger.info("\(text)")
                case .ready: logger.notice("ready")
                }
            },
            manager: ServiceNotifier(environment: environment),
            overdue: {
                ClaimedRunDirectory.removeAtOnce(directory)
                _exit(130)
            }
        )
        let end: Result<Bool, any Error>
        do {
            end = .success(try await daemon.run(in: claimed, signals: signals))
        } catch {
            end = .failure(error)
        }
        try claimed.remove()
        _ = try end.get()
    }

    /// The name is a folder's, and an argument of commands.
    private func checkDaemonName() throws(CallError) {
        let first = name.utf8.first.map { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ".") }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard first == true, isPlain, name.utf8.count <= 64 else {
            throw CallError(
                .invalidInput,
                "an orchestrator that serves has a name of 1 to 64 letters, digits, `-`, `_` or "
                    + "`.` that begins with none of `-` and `.`"
            )
        }
    }
}
