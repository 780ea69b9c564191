import Glibc
import KraitControl
import KraitWire

/// `krait doctor`: everything that Krait needs on this machine, and how to mend what is amiss.
enum DoctorCommand {
    static let config = Argument<String?>.option(
        "config",
        "FILE",
        .text,
        "the configuration whose pools are looked at; without it krait.yaml"
    )

    static func command(
        _ echoRoundTrip: (@Sendable (_ python: String?) async throws -> Duration)?
    ) -> Command {
        Command(
            name: "doctor",
            summary: "check what Krait needs, and say how to mend it",
            discussion: """
                Checks the libraries, each pool's Python and its packages, shared memory, the run \
                directory, the configuration, keys (whether they are set, never what they are) \
                and a call to a worker and back. Each line is ok, warn or fail; what fails says \
                how to mend it. It needs no running daemon.
                """,
            parameters: [config.parameter, jsonFlag.parameter] + DaemonChoice.parameters,
            examples: [.init(text: "krait doctor", meaning: "checks this machine")],
            exitCodes: [.failed],
            interruption: .cancels,
            run: { arguments, context in
                let isThere = access(Configuration.defaultFile, F_OK) == 0
                let examination = Examination(
                    context: context,
                    directory: Result { () throws(RunDirectoryError) in
                        try RunDirectory(
                            name: arguments[DaemonChoice.name],
                            chosen: arguments[DaemonChoice.runDirectory],
                            environment: context.environment
                        )
                    },
                    file: arguments[config] ?? (isThere ? Configuration.defaultFile : nil),
                    echoRoundTrip: echoRoundTrip
                )
                let findings = Diagnosis(facts: await examination.facts()).findings
                if arguments[jsonFlag] {
                    try context.write(json: json(findings))
                } else {
                    try context.output.write(text(findings))
                }
                return findings.contains { $0.level == .fail } ? .failed : .ok
            }
        )
    }

    static func text(_ findings: [Finding]) -> String {
        let width = findings.map(\.title.count).max() ?? 0
        var text = ""
        for finding in findings {
            let level = finding.level.rawValue + (finding.level == .ok ? "  " : "")
            let padding = String(repeating: " ", count: width - finding.title.count)
            let detail = finding.detail.split(separator: "\n").joined(separator: "\n      ")
            text += "\(level)  \(finding.title)\(padding)  \(detail)\n"
            if let remedy = finding.remedy { text += "      → \(remedy)\n" }
        }
        let failures = findings.count { $0.level == .fail }
        let warnings = findings.count { $0.level == .warn }
        return text + "\(findings.count) checks, \(failures) failed, \(warnings) warnings\n"
    }

    static func json(_ findings: [Finding]) -> Value {
        let checks = findings.map { finding -> Value in
            var map: ValueMap = [
                "check": .string(finding.title), "level": .string(finding.level.rawValue),
                "detail": .string(finding.detail),
            ]
            map["remedy"] = finding.remedy.map(Value.string)
            return .map(map)
        }
        return [
            "ok": .bool(!findings.contains { $0.level == .fail }), "checks": .list(checks),
        ]
    }
}
