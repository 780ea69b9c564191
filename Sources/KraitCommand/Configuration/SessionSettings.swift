import Krait

extension Setting where Target == ConfigurationDraft {
    /// The keys of `sessions`.
    static let sessions: [Setting] = [
        Setting(
            "limit",
            .form(.integer(1...10_000_000)),
            \.configuration.sessions.limit,
            "How many there may be."
        ),
        Setting(
            "limit_per_caller",
            .form(.integer(1...10_000_000)),
            \.configuration.sessions.limitPerCaller,
            "How many one caller may have."
        ),
        Setting(
            "folder",
            .optional(.form(.text)),
            \.configuration.sessions.folder,
            example: "/var/lib/krait",
            "The folder of their file; the default is $XDG_STATE_HOME/krait/NAME."
        ),
        Setting(
            "disk",
            .optional(.form(.size)),
            \.configuration.sessions.bytes,
            example: "4GB",
            "How large their file may become; without it as large as the disk has room for."
        ),
    ]
}
