import Foundation
import Glibc
import Krait
import KraitTestSupport
import Testing

private let systemdAnalyze = "/usr/bin/systemd-analyze"

/// The unit file of the documentation, and the daemon under a service manager's environment.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ServiceUnitTests {
    /// The unit as the page has it.
    private func unit() throws -> String {
        let path = "\(TestPools.root)/Sources/Krait/Krait.docc/Service.md"
        let page = try #require(wholeFile(path))
        let block = page.split(separator: "```ini\n").dropFirst().first?.split(separator: "```")
        return String(try #require(block?.first))
    }

    @Test func `its stop waits longer than a drain by default`() throws {
        let line = try unit().split(separator: "\n").first { $0.hasPrefix("TimeoutStopSec=") }
        let seconds = try #require(line?.drop { !$0.isNumber }.prefix { $0.isNumber })
        let wait = try #require(Int(seconds))
        #expect(Duration.seconds(wait) > Defaults.drainTimeout)
    }

    @Test(.enabled(if: access(systemdAnalyze, X_OK) == 0))
    func `systemd accepts it`() async throws {
        try await withTemporaryDirectory { folder in
            // The program must be there to be accepted.
            let text = try unit().replacing("/usr/local/bin/krait", with: CommandLab.program)
            let path = "\(folder)/krait.service"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let run = try Program(
                systemdAnalyze,
                ["verify", "--man=no", "--recursive-errors=no", path],
                environment: TestPools.environment,
                folder: folder
            )
            let code = try await run.end()
            #expect(code == 0, "\(run.errors)")
            #expect(!run.errors.contains("krait.service"), "\(run.errors)")
        }
    }

    @Test func `a daemon says when it is ready, that it lives, and that it stops`() async throws {
        try await CommandLab.open { lab in
            let receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
            defer { close(receiver) }
            let path = "\(lab.folder)/notify"
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(receiver, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(code == 0)
            _ = fcntl(receiver, F_SETFL, O_NONBLOCK)
            var heard: [String] = []
            func take() -> [String] {
                var buffer = [UInt8](repeating: 0, count: 4_096)
                while true {
                    let count = recv(receiver, &buffer, buffer.count, 0)
                    guard count > 0 else { return heard }
                    heard.append(String(decoding: buffer[..<count], as: UTF8.self))
                }
            }
            let own = "\(lab.folder)/own"
            #expect(mkdir(own, 0o700) == 0)
            let environment = lab.mark.environment.merging(
                [
                    "KRAIT_RUN_DIRECTORY": lab.runDirectory, "KRAIT_PYTHON": TestPools.python,
                    "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000",
                ]
            ) { $1 }
            let daemon = try Program(
                CommandLab.program,
                ["start", "--pool", "echo=echo:1x1"],
                environment: environment,
                folder: own
            )
            #expect(await eventually { take().contains { $0.hasPrefix("READY=1") } })
            let count = heard.count { $0 == "WATCHDOG=1" }
            #expect(await eventually { take().count { $0 == "WATCHDOG=1" } > count + 2 })
            // Its workers know nothing of the manager.
            let children = lab.mark.processes.filter { $0.id != daemon.id }
            #expect(!children.isEmpty)
            for child in children {
                let environment = wholeFile("/proc/\(child.id)/environ") ?? ""
                #expect(!environment.contains("NOTIFY_SOCKET="))
            }
            kill(daemon.id, SIGTERM)
            #expect(try await daemon.end() == 0)
            #expect(take().last { $0 != "WATCHDOG=1" }?.hasPrefix("STOPPING=1") == true)
        }
    }
}
