import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

/// A daemon with a pool that takes one remote worker, and what such a worker needs.
struct RemoteLab: Sendable {
    let lab: CommandLab
    let daemon: pid_t
    let configuration: String
    let key: String
    let endpoint: String
    /// Where its workers run; nil for here.
    let namespace: Namespace?

    static func open(
        _ namespace: Namespace? = nil,
        _ body: (RemoteLab) async throws -> Void
    ) async throws {
        try await CommandLab.open { lab in
            #expect(try await lab.krait("keys", "far", "--folder", lab.folder).code == 0)
            let host = namespace?.here ?? "127.0.0.1"
            let endpoint = "tcp://\(host):\(try freePort())"
            let configuration = try lab.configuration(
                """
                pools:
                  far:
                    adapter: echo
                    workers: 1
                    slots: 1
                    heartbeat: 300ms
                    endpoint: \(endpoint)
                    remote_workers: 1
                    join_keys: \(lab.folder)/far.server.key

                """
            )
            let daemon = try await lab.detach("--config", configuration)
            let remote = RemoteLab(
                lab: lab,
                daemon: daemon,
                configuration: configuration,
                key: "\(lab.folder)/far.worker.key",
                endpoint: endpoint,
                namespace: namespace
            )
            try await body(remote)
            #expect(try await lab.krait("stop").code == 0)
            let log = wholeFile("\(lab.runDirectory)/daemon.log") ?? ""
            for file in ["server", "worker"] {
                let text = wholeFile("\(lab.folder)/far.\(file).key") ?? ""
                let secret = try #require(try Value(json: text)["secret"]?.string)
                #expect(!log.contains(secret), "the keys are in no log")
            }
        }
    }

    /// Starts a worker as a user does.
    func join(key: String? = nil, adapter: String = "echo") throws -> Program {
        let own = "\(lab.folder)/\(UInt64.random(in: 0 ... .max))"
        #expect(mkdir(own, 0o700) == 0)
        let within = namespace.map { [Namespace.program] + $0.execution } ?? []
        let command =
            within + [
                TestPools.interpreter, "-m", "krait_worker.remote", "--connect", endpoint, "--key",
                key ?? self.key, "--adapter", adapter, "--slots", "1", "--path",
                TestPools.adapters,
            ]
        return try Program(
            command[0],
            Array(command.dropFirst()),
            environment: lab.mark.environment,
            folder: own
        )
    }

    func krait(_ arguments: String...) async throws -> CommandLab.Ended {
        try await lab.krait(arguments)
    }

    /// The remote workers that the status shows.
    func guests() async throws -> [Value] {
        let status = try await krait("status", "--json").json
        let workers = status?["pools"]?.list?.first?["workers"]?.list ?? []
        return workers.filter { $0["host"]?.string != nil }
    }

    func waitForGuests(_ count: Int) async throws {
        let isSo = await eventually(within: .seconds(30)) {
            (try? await guests().count { $0["state"] == "ready" }) == count
        }
        let status = isSo ? "" : try await krait("status").output
        try #require(isSo, "\(status)")
    }

    /// The process that serves calls for a `krait-worker`.
    func child(of worker: Program) throws -> pid_t {
        try #require(RunningProcess.all().first { $0.parent == worker.id }?.id)
    }

    /// Who answers, while one worker is busy and while the other is: each has one slot.
    func bothAnswer() async throws -> Bool {
        var pids: Set<Int> = []
        // Of equals the pool takes the one it took last, so that it must be kept busy.
        for _ in 0..<5 where pids.count < 2 {
            let sleeper = try lab.start(["call", "sleep", #"{"seconds": 2}"#])
            _ = await eventually(within: .seconds(20)) {
                let pools = try? await krait("status", "--json").json?["pools"]?.list
                return pools?.first?["workers"]?.list?.contains { $0["busy"] == 1 } == true
            }
            if let pid = try await krait("call", "pid", "{}").json?.int { pids.insert(pid) }
            _ = try await sleeper.end()
        }
        return pids.count == 2
    }

    /// The worker's keys of one file with the server's key of another.
    func mix(_ server: String, _ worker: String, into path: String) throws {
        guard case .map(var mixed)? = try Value(json: wholeFile(worker) ?? "") as Value?
        else { return }
        mixed["other"] = try Value(json: wholeFile(server) ?? "")["other"]
        try Value.map(mixed).json().write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
    }

    /// A port of the loopback that nobody has at this moment.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }
}
