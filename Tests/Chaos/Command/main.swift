import Glibc
import KraitChaos

// The whole of it is in KraitChaos; here are the command line, the signals and the exit code.

/// Written to by the handler of Ctrl-C and SIGTERM; the loop waits for the other end.
private enum Interruption {
    static let ends: (reading: Int32, writing: Int32) = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return (-1, -1) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }()

    static func prepare() -> Int32 {
        let reading = ends.reading
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in
                var byte: UInt8 = 0
                _ = Glibc.write(Interruption.ends.writing, &byte, 1)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        return reading
    }
}

/// Goes on in a mount namespace of its own, where it may have small file systems; returns where it
/// cannot.
func enterNamespace(_ arguments: [String]) {
    let unshare = "/usr/bin/unshare"
    guard geteuid() == 0, access(unshare, X_OK) == 0 else { return }
    setenv("KRAIT_CHAOS_MOUNTS", "1", 1)
    let words =
        [unshare, "--mount", "--propagation", "private", ownProgram] + arguments
    var pointers = words.map { strdup($0) } + [nil]
    execv(unshare, &pointers)
}

func main() -> Int32 {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.count == 3, arguments[0] == "--keep" {
        Lab.keep(ProcessTable.Mark(arguments[1]), folder: arguments[2])
        return 0
    }
    do {
        let options = try Options(arguments)
        if options.wantsHelp {
            print(Options.help, terminator: "")
            return 0
        }
        let environment = ownEnvironment()
        let isInside = environment["KRAIT_CHAOS_MOUNTS"] != nil
        if !isInside, options.faults.contains(where: \.needsMounts) { enterNamespace(arguments) }
        let run = try Run(
            options,
            places: Lab.Places(environment: environment),
            interruptions: Interruption.prepare(),
            hasMounts: isInside
        )
        guard let report = try run.perform() else { return 130 }
        print(options.isJSON ? try report.json() : report.text)
        return report.exitCode
    } catch {
        complain("\(error)")
        return 2
    }
}

exit(main())
