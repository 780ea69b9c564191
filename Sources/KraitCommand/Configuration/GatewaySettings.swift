import Krait

/// The cache of answers while it is read: where it lies and how large it may be come in any order.
struct CacheDraft: Sendable {
    var settings = LMCacheSettings()
    var file: String?
    var disk = LMCacheSettings.Disk(file: "").bytes

    /// The cache as it was declared.
    func finished(resolving resolve: (String) -> String) -> LMCacheSettings {
        var settings = settings
        settings.disk = file.map { LMCacheSettings.Disk(file: resolve($0), bytes: disk) }
        return settings
    }
}

extension Setting where Target == CacheDraft {
    /// The keys of `lm.cache`.
    static let cache: [Setting] = [
        Setting(
            "entries",
            .form(.integer(0...10_000_000)),
            \.settings.entries,
            "How many answers are kept in memory; 0 for none."
        ),
        Setting(
            "memory",
            .form(.size),
            \.settings.bytes,
            "How many bytes they have at most."
        ),
        Setting(
            "file",
            .optional(.form(.text)),
            \.file,
            example: "answers.sqlite",
            "The file in which answers outlive the daemon; without it they do not."
        ),
        Setting(
            "disk",
            .form(.size),
            \.disk,
            "How many bytes of answers it has; those not asked for longest go first."
        ),
    ]
}

extension Setting where Target == ConfigurationDraft {
    /// The keys of `lm` at the top.
    static let gateway: [Setting] = [
        Setting(
            "cache",
            typeName: "map",
            "Answers for pools with `gateway` and `cache`.",
            read: { node, path, draft, problems in
                var cache = CacheDraft()
                readSettings(
                    Setting<CacheDraft>.cache,
                    from: node,
                    path: path,
                    into: &cache,
                    &problems
                )
                draft.configuration.cache = cache.finished { [draft] in draft.resolve(folder: $0) }
            }
        )
    ]
}
