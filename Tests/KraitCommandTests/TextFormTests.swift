import Krait
import Testing

@testable import KraitCommand
@testable import KraitControl

@Suite struct TextFormTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)),
        ("1.5s", .milliseconds(1_500)),
        ("2m", .seconds(120)), ("1h", .seconds(3_600)), ("720h", .seconds(30 * 86_400)),
    ])
    func `a duration is read`(_ text: String, _ duration: Duration) throws {
        #expect(try TextForm<Duration>.duration.read(text) == duration)
    }

    @Test(arguments: [
        "", "30", "s", "-1s", "+1s", "1 s", "0s", "0.0m", "1.s", ".5s", "1.2.3s", "1e3s", "nans",
        "721h",
        "9999999999999s", "5d", "0.1ms",
    ])
    func `what is no duration is refused`(_ text: String) {
        #expect(throws: TextProblem.self) { try TextForm<Duration>.duration.read(text) }
    }

    @Test(arguments: ["500ms", "1500ms", "30s", "90s", "2m", "1h", "36h"])
    func `a duration is written as it is read`(_ text: String) throws {
        let form = TextForm<Duration>.duration
        let duration = try form.read(text)
        #expect(try form.read(form.write(duration)) == duration)
        #expect(form.write(duration) == text)
    }

    @Test(arguments: [
        ("1KB", 1 << 10), ("512MB", 512 << 20), ("2GB", 2 << 30), ("1.5GB", 3 << 29),
        ("0.5KB", 1 << 10), ("1024TB", 1 << 50),
    ])
    func `an amount of memory is read`(_ text: String, _ bytes: Int) throws {
        #expect(try TextForm<Int>.size.read(text) == bytes)
    }

    @Test(arguments: [
        "", "2", "GB", "2 GB", "-1GB", "2gb", "2GiB", "1.GB", ".5GB", "1.2.3GB", "0MB", "1025TB",
        "99999999999TB", "2GBs", "0x2GB",
    ])
    func `what is no amount of memory is refused`(_ text: String) {
        #expect(throws: TextProblem.self) { try TextForm<Int>.size.read(text) }
    }

    @Test(arguments: ["1KB", "1536KB", "512MB", "1023MB", "2GB", "1025GB", "3TB"])
    func `an amount of memory is written as it is read`(_ text: String) throws {
        let form = TextForm<Int>.size
        #expect(form.write(try form.read(text)) == text)
    }

    @Test(arguments: [
        ("general=dspy", PoolArgument(name: "general", adapter: "dspy")),
        ("g=echo:4", PoolArgument(name: "g", adapter: "echo", workers: 4)),
        ("g=echo:4x16", PoolArgument(name: "g", adapter: "echo", workers: 4, slots: 16)),
        ("g=a.b:C", PoolArgument(name: "g", adapter: "a.b:C")),
        ("g=a_1:C2:3x1", PoolArgument(name: "g", adapter: "a_1:C2", workers: 3, slots: 1)),
    ])
    func `a pool is read and written`(_ text: String, _ pool: PoolArgument) throws {
        #expect(try TextForm<PoolArgument>.pool.read(text) == pool)
        #expect(TextForm<PoolArgument>.pool.write(pool) == text)
    }

    @Test(arguments: [
        ("general", "must be NAME=ADAPTER[:WORKERS[xSLOTS]]"),
        ("=dspy", "its name must be 1 to 64"),
        ("native=dspy", "its name must not be \"native\""),
        ("g=dspi", "did you mean dspy?"),
        ("g=", "its adapter must be an adapter"),
        ("g=dspy:0", "its workers must be an integer from 1 to 256, not \"0\""),
        ("g=dspy:4x", "its slots must be an integer from 1 to 1024, not \"\""),
        ("g=dspy:4x5x6", "must end in WORKERS or WORKERSxSLOTS"),
        ("g=dspy:9999999999999999999", "its workers must be"),
        ("g=a..b:C", "its adapter must be an adapter"),
        ("g=a:C:D", "its adapter must be an adapter"),
    ])
    func `a pool that is none says why`(_ text: String, _ reason: String) {
        let problem = #expect(throws: TextProblem.self) {
            try TextForm<PoolArgument>.pool.read(text)
        }
        #expect(problem?.reason.contains(reason) == true, "\(problem?.reason ?? "")")
    }

    @Test(arguments: ["sk-abc123", "", "1ABC", "A B"])
    func `the name of a variable that is none is not quoted`(_ text: String) {
        let problem = #expect(throws: TextProblem.self) {
            try TextForm<String>.variableName.read(text)
        }
        #expect(problem?.reason.contains("not a key itself") == true)
        if !text.isEmpty { #expect(problem?.reason.contains(text) == false) }
    }

    @Test func `a quotation escapes what would disturb a terminal, and is cut off`() {
        #expect(quoted("a\u{1B}[31m\"\n") == #""a\u{1B}[31m\"\n""#)
        #expect(quoted(String(repeating: "é", count: 100)).count == 63)
    }

    @Test(arguments: [("0.5", 0.5), ("600", 600)]) func `a number is read`(
        _ text: String,
        _ number: Double
    ) throws {
        #expect(try TextForm<Double>.number(0.1...600).read(text) == number)
    }

    @Test(arguments: ["0", "nan", "601", "x"]) func `no number is refused`(_ text: String) {
        #expect(throws: TextProblem.self) { try TextForm<Double>.number(0.1...600).read(text) }
    }

    @Test func `booleans are true and false alone`() throws {
        #expect(try TextForm<Bool>.boolean.read("true"))
        #expect(try !TextForm<Bool>.boolean.read("false"))
        #expect(throws: TextProblem("must be true or false, not \"yes\"")) {
            try TextForm<Bool>.boolean.read("yes")
        }
    }
}
