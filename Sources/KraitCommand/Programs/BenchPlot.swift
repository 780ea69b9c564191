import Benchmarks
import Glibc
import Krait
import KraitControl
import KraitObservability

/// The picture of `krait bench --plot`: drawn from the lines of JSON that the benches print.
enum BenchPlot {
    /// What a file of lines may hold.
    private static let limit = 64 << 20

    /// Passes text on, and keeps the lines of figures in it.
    final class Sink: TextSink {
        private let next: any TextSink
        private let kept = Lock<(rest: String, lines: [ValueMap])>(("", []))

        init(before next: any TextSink) { self.next = next }

        var lines: [ValueMap] { kept.withLock { $0.lines } }

        func write(_ text: String) throws {
            kept.withLock { kept in
                let parts = (kept.rest + text).split(
                    separator: "\n",
                    omittingEmptySubsequences: false
                )
                kept.rest = parts.last.map(String.init) ?? ""
                kept.lines += parts.dropLast().compactMap(BenchPlot.figures)
            }
            try next.write(text)
        }
    }

    private static func figures(_ line: Substring) -> ValueMap? {
        guard line.hasPrefix("{") else { return nil }
        return try? Value(json: String(line)).map
    }

    /// The lines of files that benches have printed before.
    static func lines(of files: [String]) throws(CommandFailure) -> [ValueMap] {
        var lines: [ValueMap] = []
        for file in files {
            do throws(SystemError) {
                let text = String(decoding: try readFile(file, limit: limit), as: UTF8.self)
                lines += text.split(separator: "\n").compactMap(figures)
            } catch {
                throw CommandFailure(.failed, "\(error)")
            }
        }
        return lines
    }

    /// Writes the picture; nothing to draw is an error, since a bench had no figures then.
    static func write(_ lines: [ValueMap], to path: String) async throws {
        let plot = Plot(lines, title: title(of: lines), caption: await caption())
        guard !plot.isEmpty else {
            throw CommandFailure(.failed, "there is nothing to draw: no line has figures")
        }
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try file.writeAll(Array(plot.svg.utf8))
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be written: \(error)")
        }
    }

    /// Which benches the lines are of.
    private static func title(of lines: [ValueMap]) -> String {
        var names: [Substring] = []
        for line in lines {
            guard let name = line["bench"]?.string?.split(separator: ".").first,
                !names.contains(name)
            else { continue }
            names.append(name)
        }
        return "krait bench \(names.joined(separator: " "))"
    }

    /// The machine, the commit and the day.
    static func caption() async -> String {
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let memory = ProcessEnvironment.memory().bytes >> 30
        var parts = ["\(processor()), \(cores) cores, \(memory) GiB"]
        if let commit = await commit() { parts.append(commit) }
        #if DEBUG
            parts.append("debug build")
        #endif
        parts.append(today())
        return parts.joined(separator: " · ")
    }

    private static func processor() -> String {
        let bytes = try? readFile("/proc/cpuinfo", limit: limit)
        let text = String(decoding: bytes ?? [], as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("model name") {
            let name = line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
            if !name.isEmpty { return String(name) }
        }
        return "an unnamed processor"
    }

    /// Such as `commit 302fa15`, with a remark where the tree has changes.
    private static func commit() async -> String? {
        func git(_ arguments: String...) async -> String? {
            let run = try? await ProgramRun.run("git", arguments, timeout: .seconds(5))
            guard let run, run.end == .exited(0) else { return nil }
            return String(decoding: run.output, as: UTF8.self)
        }
        guard let hash = await git("rev-parse", "--short", "HEAD")?.prefix(while: { $0 != "\n" }),
            !hash.isEmpty
        else { return nil }
        let changes = await git("status", "--porcelain", "--untracked-files=no") ?? ""
        return "commit \(hash)" + (changes.isEmpty ? "" : " with changes")
    }

    private static func today() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 16)
        let count = strftime(&text, text.count, "%Y-%m-%d", &parts)
        return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
