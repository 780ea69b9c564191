import KraitObservability

/// Compiled templates by text and options, the latest of them; safe to use from all threads.
public final class TemplateCache: Sendable {
    /// The cache that templates use unless they are given another.
    public static let shared = TemplateCache(capacity: 256)

    struct Compiled: Sendable {
        let unit: TemplateUnit
        let names: [TemplateName]
    }

    /// Everything that what a template compiles to depends on.
    private struct Key: Hashable {
        let text: [UInt8]
        let name: String?
        let flags: [Bool]
        let nesting: Int
        let bytes: Int

        func hash(into hasher: inout Hasher) {
            // All at once: an array would be hashed byte by byte.
            text.withUnsafeBytes { hasher.combine(bytes: $0) }
            hasher.combine(flags)
        }
    }

    private struct State {
        var entries: [Key: (compiled: Compiled, used: UInt64)] = [:]
        var clock: UInt64 = 0
        var bytes = 0
    }

    private let capacity: Int
    private let state = Lock(State())

    /// How much text all templates of a cache may have.
    private static let maximumBytes = 16 << 20

    /// A cache of so many templates at most.
    public init(capacity: Int) { self.capacity = max(0, capacity) }

    /// How many templates it holds.
    public var count: Int { state.withLock { $0.entries.count } }

    func unit(
        of text: String,
        name: String?,
        options: TemplateOptions
    ) throws(TemplateError) -> TemplateUnit {
        try template(of: text, name: name, options: options).unit
    }

    /// The template, compiled now or before.
    ///
    /// Two threads may compile the same one at once.
    func template(
        of text: String,
        name: String?,
        options: TemplateOptions
    ) throws(TemplateError) -> Compiled {
        let key = Key(
            text: Array(text.utf8),
            name: name,
            flags: [
                options.trimsBlocks, options.stripsBlocks, options.keepsTrailingNewline,
                options.allowsLoopControls, options.allowsDo, options.allowsGeneration,
            ],
            nesting: options.limits.nesting,
            bytes: options.limits.templateBytes
        )
        let found = state.withLock { state -> Compiled? in
            guard let entry = state.entries[key] else { return nil }
            state.clock += 1
            state.entries[key]?.used = state.clock
            return entry.compiled
        }
        if let found { return found }
        let compiled = try Self.compile(text, name: name, options: options)
        state.withLock { state in
            state.clock += 1
            let known = state.entries.updateValue((compiled, state.clock), forKey: key)
            if known == nil { state.bytes += key.text.count }
            while state.entries.count > capacity || state.bytes > Self.maximumBytes {
                guard let oldest = state.entries.min(by: { $0.value.used < $1.value.used }) else {
                    break
                }
                state.entries[oldest.key] = nil
                state.bytes -= oldest.key.text.count
            }
        }
        return compiled
    }

    private static func compile(
        _ text: String,
        name: String?,
        options: TemplateOptions
    ) throws(TemplateError) -> Compiled {
        do throws(TemplateError) {
            var parser = try TemplateParser(text, options: options)
            let compiled = try TemplateCompiler.compile(try parser.parse(), name: name)
            return Compiled(unit: compiled.unit, names: compiled.names)
        } catch {
            var error = error
            error.template = name
            throw error
        }
    }
}
