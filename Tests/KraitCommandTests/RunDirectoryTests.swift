import Glibc
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

@Suite(.timeLimit(.minutes(1))) struct RunDirectoryTests {
    private func directory(_ base: String, _ name: String = "d") throws -> RunDirectory {
        try RunDirectory(name: name, chosen: base, environment: [:])
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    private func write(_ text: String, to path: String) throws {
        try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC).writeAll(Array(text.utf8))
    }

    @Test func `the place is the one chosen, else the variable's, else the user's own`() throws {
        try withTemporaryDirectory { runtime in
            func base(_ chosen: String?, _ environment: [String: String]) throws -> String {
                try RunDirectory(name: "d", chosen: chosen, environment: environment).base
            }
            let variables = ["KRAIT_RUN_DIRECTORY": "/var/v", "XDG_RUNTIME_DIR": runtime]
            let own = "\(RunDirectory.common)/krait-\(geteuid())"
            #expect(try base("/var/c", variables) == "/var/c")
            #expect(try base(nil, variables) == "/var/v")
            #expect(try base(nil, ["XDG_RUNTIME_DIR": runtime]) == "\(runtime)/krait")
            #expect(try base(nil, ["XDG_RUNTIME_DIR": "\(runtime)/none"]) == own)
            #expect(try base(nil, ["XDG_RUNTIME_DIR": "relative"]) == own)
            #expect(try base(nil, ["KRAIT_RUN_DIRECTORY": ""]) == own)
            #expect(try base(nil, [:]) == own)
            let other = try RunDirectory(
                name: "d",
                chosen: nil,
                environment: ["XDG_RUNTIME_DIR": runtime],
                user: geteuid() + 1
            )
            #expect(other.base == "\(RunDirectory.common)/krait-\(geteuid() + 1)")
        }
    }

    @Test func `a path too long for a socket is refused with its length`() throws {
        let base = "/" + String(repeating: "x", count: 91)
        #expect(try directory(base).controlSocket.utf8.count == 107)
        let error = #expect(throws: RunDirectoryError.self) { try directory(base + "x") }
        #expect(error == .pathTooLong("\(base)x/d/control.sock"))
        #expect(error?.description.contains("has 108 bytes, and the system allows 107") == true)
    }

    @Test func `a claimed folder is its owner's alone, and nothing of it remains`() throws {
        try withTemporaryDirectory { folder in
            let base = "\(folder)/krait"
            let directory = try directory(base)
            let claimed = try ClaimedRunDirectory(directory)
            #expect(mode(base) == 0o700)
            #expect(mode(directory.path) == 0o700)
            let record = DaemonRecord(identity: .current, run: "r", name: "d", version: "1")
            try claimed.write(record)
            #expect(mode(directory.record) == 0o600)
            #expect(DaemonRecord(file: directory.record) == record)
            for name in ["router.sock", "daemon.log", "daemon.log.1"] {
                try write("", to: "\(directory.path)/\(name)")
            }
            try claimed.remove()
            #expect(access(directory.path, F_OK) != 0)
        }
    }

    @Test func `the usual base goes with its last daemon, and a chosen one stays`() throws {
        try withTemporaryDirectory { runtime in
            func usual(_ name: String) throws -> RunDirectory {
                try RunDirectory(
                    name: name,
                    chosen: nil,
                    environment: ["XDG_RUNTIME_DIR": runtime]
                )
            }
            let first = try ClaimedRunDirectory(usual("a"))
            let second = try ClaimedRunDirectory(usual("b"))
            try first.remove()
            #expect(access("\(runtime)/krait/b", F_OK) == 0)
            try second.remove()
            #expect(access("\(runtime)/krait", F_OK) != 0)
            try ClaimedRunDirectory(directory(runtime)).remove()
            #expect(access(runtime, F_OK) == 0)
        }
    }

    @Test func `a folder with a living daemon is refused, with its pid`() throws {
        try withTemporaryDirectory { base in
            let directory = try directory(base)
            let claimed = try ClaimedRunDirectory(directory)
            let starting = #expect(throws: RunDirectoryError.self) {
                _ = try ClaimedRunDirectory(directory)
            }
            #expect(starting == .alreadyRunning(name: "d", pid: nil))
            #expect(starting?.description.contains("just starting") == true)
            let record = DaemonRecord(identity: .current, run: "r", name: "d", version: "1")
            try claimed.write(record)
            let running = #expect(throws: RunDirectoryError.self) {
                _ = try ClaimedRunDirectory(directory)
            }
            #expect(running == .alreadyRunning(name: "d", pid: getpid()))
            #expect(running?.description.contains("(pid \(getpid()))") == true)
            try claimed.remove()
        }
    }

    @Test func `a record of a living process counts where the lock does not`() throws {
        try withTemporaryDirectory { base in
            let directory = try directory(base)
            mkdir(directory.path, 0o700)
            // Process 1 is there, its start time known: a daemon on a file system without locks.
            let one = try #require(ProcessIdentity.of(1))
            let record = DaemonRecord(identity: one, run: "r", name: "d", version: "1")
            try write(try record.value.json(), to: directory.record)
            #expect(throws: RunDirectoryError.alreadyRunning(name: "d", pid: 1)) {
                _ = try ClaimedRunDirectory(directory)
            }
        }
    }

    @Test(arguments: [
        // The start time is another's: the number was used again.
        #"{"pid":1,"started":18446744073709551,"run":"r","name":"d","version":"1"}"#,
        #"{"pid":99999999,"started":1,"run":"r","name":"d","version":"1"}"#,
        #"{"pid":"x"}"#, "garbage", "",
    ])
    func `the folder of a dead daemon is taken over, and its log kept`(_ record: String) throws {
        try withTemporaryDirectory { base in
            let directory = try directory(base)
            mkdir(directory.path, 0o700)
            try write(record, to: directory.record)
            for name in ["control.sock", "router.sock", "daemon.log", "daemon.log.1"] {
                try write("old", to: "\(directory.path)/\(name)")
            }
            let claimed = try ClaimedRunDirectory(directory)
            let left = try RunDirectory.entries(of: directory.path).sorted()
            #expect(left == ["daemon.log", "daemon.log.1"])
            try claimed.remove(keepingLogs: true)
            #expect(try RunDirectory.entries(of: directory.path).count == 2)
            directory.removeRemains()
            #expect(access(directory.path, F_OK) != 0)
        }
    }

    @Test func `remains are not those of a daemon that lives`() throws {
        try withTemporaryDirectory { base in
            let directory = try directory(base)
            directory.removeRemains()
            let claimed = try ClaimedRunDirectory(directory)
            directory.removeRemains()
            #expect(access(directory.path, F_OK) == 0)
            try claimed.remove()
        }
    }

    @Test func `links are refused`() throws {
        try withTemporaryDirectory { folder in
            mkdir("\(folder)/real", 0o700)
            symlink("\(folder)/real", "\(folder)/link")
            let reason = "is a link or a file where a folder must be"
            #expect(throws: RunDirectoryError.unsafe(path: "\(folder)/link", reason: reason)) {
                _ = try ClaimedRunDirectory(directory("\(folder)/link"))
            }
            #expect(throws: RunDirectoryError.unsafe(path: "\(folder)/link", reason: reason)) {
                _ = try ClaimedRunDirectory(directory(folder, "link"))
            }
            try write("", to: "\(folder)/file")
            #expect(throws: RunDirectoryError.unsafe(path: "\(folder)/file", reason: reason)) {
                _ = try ClaimedRunDirectory(directory(folder, "file"))
            }
        }
    }

    @Test func `a folder that others may enter, or a base they may write, is refused`() throws {
        try withTemporaryDirectory { folder in
            mkdir("\(folder)/open", 0o755)
            let open = #expect(throws: RunDirectoryError.self) {
                _ = try ClaimedRunDirectory(directory(folder, "open"))
            }
            #expect(open?.description.contains("can be entered by others (mode 755)") == true)
            mkdir("\(folder)/base", 0o700)
            chmod("\(folder)/base", 0o777)
            let written = #expect(throws: RunDirectoryError.self) {
                _ = try ClaimedRunDirectory(directory("\(folder)/base"))
            }
            #expect(written?.description.contains("can be written by others (mode 777)") == true)
            // As /tmp is: nobody can remove another's folder there.
            chmod("\(folder)/base", 0o1777)
            try ClaimedRunDirectory(directory("\(folder)/base")).remove()
        }
    }

    /// Who owns a folder above the base, its group, its mode, and whether user 1000 of group 1000
    /// may have a run directory below it.
    static let ancestors: [(uid_t, gid_t, mode_t, Bool)] = [
        (0, 0, 0o755, true), (1000, 1000, 0o700, true), (1000, 1000, 0o775, true),
        (0, 0, 0o775, true), (0, 0, 0o1777, true), (1000, 1000, 0o1777, true),
        (1000, 44, 0o775, false), (0, 44, 0o775, false), (1000, 1000, 0o777, false),
        (0, 0, 0o757, false), (1001, 1000, 0o700, false), (1001, 1001, 0o1777, false),
    ]

    @Test(arguments: ancestors)
    func `a folder above the base is one that nobody else can change`(
        owner: uid_t,
        group: gid_t,
        mode: mode_t,
        isFine: Bool
    ) {
        var status = stat()
        status.st_uid = owner
        status.st_gid = group
        status.st_mode = S_IFDIR | mode
        let danger = ClaimedRunDirectory.danger(in: status, to: 1000, group: 1000)
        #expect((danger == nil) == isFine, "\(danger ?? "no danger")")
    }

    @Test func `a base below a folder that others may write is refused, also through a link`()
        throws
    {
        try withTemporaryDirectory { folder in
            mkdir("\(folder)/open", 0o700)
            mkdir("\(folder)/open/mine", 0o700)
            symlink("\(folder)/open/mine", "\(folder)/link")
            try ClaimedRunDirectory(directory("\(folder)/link/base")).remove()
            chmod("\(folder)/open", 0o777)
            for base in ["\(folder)/open/mine", "\(folder)/open/new", "\(folder)/link/base"] {
                let error = #expect(throws: RunDirectoryError.self) {
                    _ = try ClaimedRunDirectory(directory(base))
                }
                let words = "open is above the run directory and can be written by others"
                #expect(error?.description.contains(words) == true, "\(base)")
            }
        }
    }

    @Test func `a base that a group may write is refused`() throws {
        try withTemporaryDirectory { folder in
            mkdir("\(folder)/base", 0o700)
            chmod("\(folder)/base", 0o770)
            let error = #expect(throws: RunDirectoryError.self) {
                _ = try ClaimedRunDirectory(directory("\(folder)/base"))
            }
            #expect(error?.description.contains("can be written by others (mode 770)") == true)
        }
    }

    @Test func `a folder of another user is refused`() throws {
        try withTemporaryDirectory { base in
            let error = #expect(throws: RunDirectoryError.self) {
                _ = try ClaimedRunDirectory(directory(base), user: geteuid() + 1)
            }
            #expect(error?.description.contains("belongs to another user") == true)
        }
    }

    @Test func `a base that cannot be made is an error with its reason`() throws {
        let error = #expect(throws: RunDirectoryError.self) {
            _ = try ClaimedRunDirectory(directory("/proc/nowhere"))
        }
        let text = "cannot make the folder /proc/nowhere: No such file or directory"
        #expect(error?.description == text)
    }

    @Test func `of many who claim at once one has it`() async throws {
        try await withTemporaryDirectory { base in
            let directory = try directory(base)
            let gate = Gate()
            let won = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        do {
                            let claimed = try ClaimedRunDirectory(directory)
                            await gate.wait()
                            try claimed.remove()
                            return true
                        } catch RunDirectoryError.alreadyRunning {
                            return false
                        }
                    }
                }
                var results: [Bool] = []
                while results.count < 15, let result = try await group.next() {
                    results.append(result)
                }
                gate.open()
                for try await result in group { results.append(result) }
                return results
            }
            #expect(won.count { $0 } == 1)
            #expect(access(directory.path, F_OK) != 0)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ProcessIdentityTests {
    @Test func `this process lives, and one of another start time does not`() {
        let current = ProcessIdentity.current
        #expect(current.isAlive)
        #expect(!ProcessIdentity(pid: current.pid, started: current.started + 1).isAlive)
        #expect(!ProcessIdentity(pid: 99_999_999, started: 1).isAlive)
    }

    @Test func `a process that has ended is gone before it is waited for`() async throws {
        var pid: pid_t = 0
        #expect(
            withCStrings(["true"]) { posix_spawn(&pid, "/bin/true", nil, nil, $0, environ) } == 0
        )
        let identity = ProcessIdentity.of(pid)
        #expect(await eventually { identity?.isAlive != true })
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid)
    }
}
