import Testing

@testable import KraitWorkers

@Suite struct ControlGroupTests {
    @Test(
        arguments: [
            ("low 0\nhigh 3\nmax 9\noom 2\noom_kill 7\noom_group_kill 0\n", 7),
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", 2),
            ("oom_kill_disable 0\nunder_oom 0\n", nil), ("oom_kill x\n", nil), ("", nil),
        ] as [(String, Int?)]
    )
    func `the kernel's count of kills is read in both forms`(text: String, count: Int?) {
        #expect(ControlGroup.count(in: text) == count)
    }

    @Test(
        arguments: [
            ("max\n", nil), ("9223372036854771712\n", nil), ("", nil), ("2147483648\n", 1 << 31),
        ] as [(String, Int?)]
    )
    func `a limit is read in both forms`(text: String, limit: Int?) {
        #expect(ControlGroup.limit(in: text) == limit)
    }

    @Test func `a group of the second version is looked for where it says`() {
        let folders = ControlGroup.folders(of: "0::/user.slice/krait.service\n")
        #expect(
            folders == [
                .init(path: "/sys/fs/cgroup/user.slice/krait.service", isSecond: true),
                .init(path: "/sys/fs/cgroup", isSecond: true),
            ]
        )
    }

    @Test func `of the first version the memory group counts`() {
        let folders = ControlGroup.folders(of: "9:name=systemd:/\n4:cpu,memory:/a:b\n0::/\n")
        #expect(
            folders == [
                .init(path: "/sys/fs/cgroup/memory/a:b", isSecond: false),
                .init(path: "/sys/fs/cgroup/memory", isSecond: false),
                .init(path: "/sys/fs/cgroup", isSecond: true),
            ]
        )
        #expect(ControlGroup.folders(of: "nonsense\n").isEmpty)
    }

    @Test func `this process's own is asked without harm`() {
        #expect(ControlGroup.memoryKills() >= 0)
        #expect(ControlGroup.memoryLimit().map { $0 > 0 } ?? true)
    }
}
