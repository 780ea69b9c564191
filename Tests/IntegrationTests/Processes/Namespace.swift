import Foundation
import Glibc
import KraitTestSupport
import Testing

/// A network of its own, with one line to this one: another host, as far as sockets can tell.
struct Namespace: Sendable {
    static let program = access("/usr/sbin/ip", X_OK) == 0 ? "/usr/sbin/ip" : "/sbin/ip"

    let name: String
    /// This side's address of the line.
    let here: String

    /// Whether one can be made.
    static let isAvailable: Bool = {
        guard geteuid() == 0, access(program, X_OK) == 0 else { return false }
        let name = "krait-look-\(getpid())"
        defer { _ = run(["netns", "del", name]) }
        return run(["netns", "add", name]) == 0
    }()

    /// Makes one for as long as `body` runs.
    static func open(_ body: (Namespace) async throws -> Void) async throws {
        let number = getpid() % 60_000
        let (third, fourth) = (number / 240, number % 60 * 4)
        let namespace = Namespace(
            name: "krait-\(getpid())",
            here: "10.213.\(third).\(fourth + 1)"
        )
        let there = "10.213.\(third).\(fourth + 2)"
        let within = ["netns", "exec", namespace.name, program]
        defer {
            _ = run(["link", "del", namespace.line])
            _ = run(["netns", "del", namespace.name])
        }
        let far = "\(namespace.line)f"
        for command in [
            ["netns", "add", namespace.name],
            ["link", "add", namespace.line, "type", "veth", "peer", "name", far],
            ["link", "set", far, "netns", namespace.name],
            ["addr", "add", "\(namespace.here)/30", "dev", namespace.line],
            ["link", "set", namespace.line, "up"],
            within + ["addr", "add", "\(there)/30", "dev", far],
            within + ["link", "set", far, "up"],
        ] {
            try #require(run(command) == 0, "ip \(command.joined(separator: " "))")
        }
        try await body(namespace)
    }

    /// The arguments of `ip` before those of a program that is to run there.
    var execution: [String] { ["netns", "exec", name] }

    /// Cuts the line, or mends it.
    func setLine(up: Bool) async throws {
        #expect(Self.run(["link", "set", line, up ? "up" : "down"]) == 0)
    }

    private var line: String { "kr\(getpid())" }

    /// Runs `ip`, which takes milliseconds.
    private static func run(_ arguments: [String]) -> Int32 {
        let folder = NSTemporaryDirectory() + "krait-ip-\(UInt64.random(in: 0 ... .max))"
        guard mkdir(folder, 0o700) == 0 else { return -1 }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        guard
            let started = try? Program(
                program,
                arguments,
                environment: TestPools.environment,
                folder: folder
            )
        else { return -1 }
        var status: Int32 = 0
        waitpid(started.id, &status, 0)
        return (status >> 8) & 0xFF
    }
}
