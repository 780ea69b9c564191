import Glibc
import KraitTestSupport
import Testing

@testable import KraitWorkers

@Suite struct ReaperDecisionTests {
    private static let itself = ProcessStamp(id: 100, startTicks: 5_000)
    private static let living = ProcessStamp(id: 200, startTicks: 6_000)
    private static let dead = ProcessStamp(id: 300, startTicks: 7_000)
    /// The number of the dead one, taken by another process since.
    private static let reused = ProcessStamp(id: 300, startTicks: 9_000)

    private static func isAlive(_ process: ProcessStamp) -> Bool {
        [itself, living, reused].contains(process)
    }

    private static func marked(_ id: pid_t, _ run: String, by owner: ProcessStamp)
        -> ReaperDecision.MarkedProcess
    {
        ReaperDecision.MarkedProcess(
            process: ProcessStamp(id: id, startTicks: 8_000),
            mark: RunMark(run: run, owner: owner)
        )
    }

    @Test(arguments: [
        ("of a dead run", marked(900, "a", by: dead), true, false),
        ("whose owner's number is another's now", marked(900, "a", by: dead), true, false),
        ("of another daemon that lives", marked(900, "b", by: living), false, false),
        ("of whoever has the dead one's number", marked(900, "c", by: reused), false, false),
        ("of this run", marked(900, "mine", by: itself), false, true),
        ("of another run in this process", marked(900, "other", by: itself), false, false),
        ("number 1", marked(1, "a", by: dead), false, false),
        (
            "itself, started by a dead run",
            ReaperDecision.MarkedProcess(process: itself, mark: RunMark(run: "a", owner: dead)),
            false, false
        ),
    ])
    func `only what is of a dead run, or of the run that ended, is killed`(
        what: String,
        process: ReaperDecision.MarkedProcess,
        isOfDeadRun: Bool,
        isOfThisRun: Bool
    ) {
        func isDoomed(_ aim: ReaperDecision.Aim) -> Bool {
            ReaperDecision.isDoomed(
                process,
                aim: aim,
                itself: Self.itself,
                isAlive: Self.isAlive
            )
        }
        #expect(isDoomed(.deadRuns) == isOfDeadRun, "\(what)")
        let mark = RunMark(run: "mine", owner: Self.itself)
        #expect(isDoomed(.run(mark)) == isOfThisRun, "\(what)")
    }

    @Test(arguments: [
        ("krait-7-300-7000-ab12", true), ("krait-7-200-6000-ab12", false),
        ("krait-7-100-5000-ab12", false), ("krait-8-300-7000-ab12", false),
        ("krait-7-300-9000-ab12", false),
    ])
    func `only what a dead process of this user has left is removed`(
        name: String,
        isLeft: Bool
    ) throws {
        let parsed = try #require(RunName(name))
        let decided = ReaperDecision.isLeft(
            parsed,
            user: 7,
            itself: Self.itself,
            isAlive: Self.isAlive
        )
        #expect(decided == isLeft)
    }

    @Test(arguments: [
        "", "a", "a:1", "a:1:2:3", ":1:2", "a::2", "a:1:", "a:0:5", "a:01:5", "a:-1:5", "a:+1:5",
        "a:1:5 ", " a:1:5", "a b:1:5", "a/b:1:5", "é:1:5", "a:99999999999:5", "a:1:1e3",
        String(repeating: "a", count: 65) + ":1:5",
    ])
    func `a mark of any other form is none`(text: String) {
        #expect(RunMark(text) == nil)
    }

    @Test(arguments: [
        "", "krait", "krait-7", "krait-1000", "krait-XXabcd", "krait-7-300-7000", "krait-7-300-x-a",
        "krait-7-300-7000-", "krait-7-300-7000-xyz", "krait-7-300-7000-+ab", "krait-07-300-7000-ab",
        "krait-7-0-7000-ab", "krait--7-300-7000-ab", "Krait-7-300-7000-ab",
        "krait-7-300-7000-ab-", "krait-7-300-7000-00000000000000001", "krait-7-300-7000-../x",
    ])
    func `a name of any other form is nobody's`(name: String) {
        #expect(RunName(name) == nil)
    }

    @Test func `marks and names read back as they were written`() throws {
        let mark = RunMark(run: "run 1/ü", owner: Self.dead)
        #expect(mark.text == "run_1___:300:7000")
        #expect(RunMark(mark.text) == mark)
        #expect(RunMark(RunMark(run: "", owner: Self.dead).text)?.run == "_")
        let name = RunName()
        #expect(RunName(name.text) == name)
        #expect(name.owner == .current && name.user == geteuid())
        #expect(RunName().text != name.text)
    }

    @Test(arguments: [
        ("KRAIT_RUN=a:1:2\0HOME=/\0", true), ("HOME=/\0KRAIT_RUN=a:1:2\0", true),
        ("HOME=/\0KRAIT_RUN=a:1:2", true), ("MY_KRAIT_RUN=a:1:2\0", false),
        ("X=KRAIT_RUN=a:1:2\0", false), ("KRAIT_RUN\0", false), ("KRAIT_RUN=\0", false),
        ("KRAIT_RUN=a:1:2 and more\0", false), ("krait_run=a:1:2\0", false), ("", false),
        ("KRAIT_RUN=a:1:2x\0KRAIT_RUN=a:1:2\0", false), ("\0\0KRAIT_RUN=a:1:2\0", true),
    ])
    func `a mark is found as a variable of its own and nothing else`(
        environment: String,
        isFound: Bool
    ) {
        let owner = ProcessStamp(id: 1, startTicks: 2)
        let mark = isFound ? RunMark(run: "a", owner: owner) : nil
        #expect(RunMark.find(in: Array(environment.utf8)) == mark)
    }

    @Test func `a process is told from a later one of its number`() {
        let current = ProcessStamp.current
        #expect(current.id == getpid() && current.startTicks > 0 && current.isAlive)
        #expect(!ProcessStamp(id: current.id, startTicks: current.startTicks + 1).isAlive)
        #expect(ProcessStamp(pid_t.max) == nil)
    }
}
