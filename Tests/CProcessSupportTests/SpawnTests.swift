import CProcessSupport
import Foundation
import KraitTestSupport
import Testing

/// Starting processes.
///
/// One at a time, since some of it is about this whole process.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SpawnTests {
    @Test func `a child gets exactly its arguments and environment`() throws {
        let child = try Child.run(
            "/bin/sh",
            ["-c", "echo \"$0|$1|$2\"; env -i /usr/bin/env; cat /proc/$$/environ | tr '\\0' ';'"],
            environment: ["PATH=/usr/bin:/bin", "A=b c", "EMPTY="]
        )
        #expect(child.output == "/bin/sh||\nPATH=/usr/bin:/bin;A=b c;EMPTY=;")
        let words = try Child.run("/bin/sh", ["-c", "echo \"$0|$1|$2\"", "zero", "a b", "ü"])
        #expect(words.output == "zero|a b|ü\n" && words.status == 0)
    }

    @Test func `a child leads a session and a process group of its own`() throws {
        let child = try Child.shell("cut -d' ' -f5,6 /proc/$$/stat")
        #expect(child.output == "\(child.id) \(child.id)\n")
        #expect(getsid(0) != child.id)
    }

    @Test func `a child gets no descriptors but those it is given`() throws {
        // Some that would be inherited, low ones and high ones.
        var strays = (0..<8).map { _ in open("/dev/null", O_RDONLY) }
        strays.append(fcntl(strays[0], F_DUPFD, 500))
        defer { for stray in strays { close(stray) } }
        for given in [3, 5, 40] {
            let descriptors: [Int32?] = [-1, nil] + Array(repeating: -1, count: given - 2)
            let child = try Child.shell("ls /proc/self/fd", descriptors: descriptors)
            // One more for the folder that `ls` itself reads.
            let seen = Set(child.output.split(separator: "\n").compactMap { Int($0) })
            #expect(seen == Set(0...given))
        }
    }

    @Test func `a descriptor that is -1 leads nowhere`() throws {
        let child = try Child.shell("readlink /proc/self/fd/0; cat; echo x >&2; echo over")
        #expect(child.output == "/dev/null\nover\n" && child.status == 0)
    }

    @Test func `descriptors may have the numbers of others' places`() throws {
        let files = ["/dev/null", "/dev/zero", "/dev/full", "/proc/self/stat"]
        var opened = files.map { open($0, O_RDONLY) }
        opened.append(fcntl(opened[1], F_DUPFD, 70))
        defer { for descriptor in opened { close(descriptor) } }
        // The lowest free numbers are a few, so sources and places overlap in every way.
        let low = opened.sorted()
        let mixed = [low[2], 0, low[0], low[0], 1, low[4]]
        for order in [low, Array(low.reversed()), low + low, mixed] {
            let rest = order.enumerated().map { "readlink /proc/self/fd/\($0.offset + 3)" }
            let child = try Child.shell(
                rest.joined(separator: ";"),
                descriptors: [-1, nil, -1] + order.map { $0 }
            )
            let expected = order.map { target(of: $0) }
            let seen = child.output.split(separator: "\n").map(String.init)
            // What is opened anew by each process has that process's name.
            #expect(
                seen.map { $0.hasPrefix("/proc/") ? "stat" : $0 }
                    == expected.map { $0.hasPrefix("/proc/") ? "stat" : $0 }
            )
        }
    }

    @Test func `a child begins with default signals, none of them blocked`() throws {
        var blocked = sigset_t()
        var before = sigset_t()
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        let ignored = signal(SIGPROF, SIG_IGN)
        let child = Result { () throws(Child.Failure) in
            try Child.run("/bin/cat", ["/proc/self/status"])
        }
        signal(SIGPROF, ignored)
        var after = sigset_t()
        pthread_sigmask(SIG_SETMASK, &before, &after)
        let zeroes = String(repeating: "0", count: 16)
        let lines = try child.get().output.split(separator: "\n")
        for name in ["SigBlk", "SigIgn", "SigCgt"] {
            #expect(lines.contains("\(name):\t\(zeroes)"))
        }
        #expect(sigismember(&after, SIGTERM) == 1, "and the caller's mask is as it was")
    }

    @Test(arguments: [
        ("/nowhere/program", ENOENT), ("/dev/null", EACCES), ("/usr", EACCES),
        ("/etc/hostname/x", ENOTDIR), ("", ENOENT),
    ])
    func `a program that cannot be executed is an error, and leaves no child`(
        path: String,
        number: Int32
    ) async throws {
        #expect(throws: Child.Failure(number: number)) { try Child.run(path) }
        #expect(await eventually { !hasUnreapedCopies() })
    }

    @Test func `a file that is no program is an error`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/text"
            try Data("no program".utf8).write(to: URL(filePath: path))
            chmod(path, 0o755)
            #expect(throws: Child.Failure(number: ENOEXEC)) { try Child.run(path) }
        }
    }

    @Test func `bad descriptors are an error`() {
        #expect(throws: Child.Failure(number: EBADF)) {
            try Child.run("/bin/true", descriptors: [-1, nil, 9_999])
        }
        #expect(throws: Child.Failure(number: EINVAL)) {
            try Child.run("/bin/true", descriptors: Array(repeating: -1, count: 65))
        }
    }

    @Test func `exit codes and signals come through`() throws {
        #expect(try Child.shell("exit 3").status == 3 << 8)
        #expect(try Child.shell("kill -9 $$").status & 0x7F == SIGKILL)
    }

    @Test func `many threads may start children at once`() async throws {
        let failures = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask {
                    let child = try? Child.shell("ls /proc/self/fd | wc -l; echo \(number)")
                    return child?.output != "4\n\(number)\n"
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 0)
    }

    // MARK: Handles

    @Test func `a process's handle turns readable at its end, and signals nobody afterwards`()
        async throws
    {
        let id = Child.spawn("/bin/sleep", ["60"], [], [-1, -1, -1])
        try #require(id > 0)
        let handle = krait_pidfd_open(id)
        try #require(handle >= 0)
        defer { close(handle) }
        #expect(!isReadable(handle))
        #expect(fcntl(handle, F_GETFD) & FD_CLOEXEC != 0)
        #expect(krait_pidfd_send_signal(handle, 0) == 0)
        #expect(krait_pidfd_send_signal(handle, SIGTERM) == 0)
        #expect(await eventually { isReadable(handle) })
        var status: Int32 = 0
        #expect(waitpid(id, &status, 0) == id && status & 0x7F == SIGTERM)
        #expect(krait_pidfd_send_signal(handle, SIGKILL) == -1 && errno == ESRCH)
        #expect(krait_pidfd_open(id) == -1)
    }
}

private func isReadable(_ descriptor: Int32) -> Bool {
    var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&item, 1, 0) == 1
}

/// Whether a child that never became another program is waiting to be reaped.
private func hasUnreapedCopies() -> Bool {
    let own = try? String(contentsOfFile: "/proc/self/comm", encoding: .utf8)
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.contains { entry in
        guard Int(entry) != nil,
            let stat = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
            let name = try? String(contentsOfFile: "/proc/\(entry)/comm", encoding: .utf8),
            name == own, let end = stat.lastIndex(of: ")")
        else { return false }
        let fields = stat[end...].split(separator: " ")
        return fields[2] == "\(getpid())"
    }
}
