import KraitControl

/// `krait version`.
enum VersionCommand {
    static let version = DaemonRecord.version
    static let text = "krait \(version)\n"

    static let command = Command(
        name: "version",
        summary: "print the version",
        run: { _, context in
            try context.output.write(text)
            return .ok
        }
    )
}
