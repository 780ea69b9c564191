import Krait
import KraitWire

/// A pool while it is read: parts of the adapter come under keys of their own, in any order.
struct PoolDraft: Sendable {
    /// A pool named in the file or on the command line, as yet without an adapter.
    var pool: PythonPool
    var adapter: String?
    var options: ValueMap = [:]
    var lm: ValueMap = [:]
    var programs: ValueMap = [:]

    init(_ name: String) {
        pool = PythonPool(name, adapter: Adapter(name: ""))
    }

    /// The pool as it was declared; `problems` gets what does not fit together.
    func finished(
        path: String,
        at position: SourcePosition,
        _ problems: inout [ConfigurationProblem]
    ) -> PythonPool? {
        guard let adapter else {
            problems.append(
                .init(
                    "\(path) has no adapter; add `adapter: dspy`, `echo` or module:Class",
                    at: position
                )
            )
            return nil
        }
        var options = options
        if !lm.isEmpty {
            guard adapter != "echo" else {
                problems.append(.init("\(path).lm: the echo adapter has no LM", at: position))
                return nil
            }
            options["lm"] = .map(lm)
        }
        if !programs.isEmpty {
            guard adapter == "dspy" else {
                problems.append(
                    .init("\(path).programs: only the dspy adapter has programs", at: position)
                )
                return nil
            }
            options["programs"] = .map(programs)
        }
        var pool = pool
        pool.adapter = Adapter(name: adapter, options: options)
        return pool
    }
}

extension Setting where Target == PoolDraft {
    /// The keys of a pool.
    static let pool: [Setting] =
        [
            Setting(
                "adapter",
                .optional(.form(.adapter)),
                \.adapter,
                example: "dspy",
                "What the workers run; a class of your own is found on `path`."
            ),
            Setting(
                "options",
                .values,
                \.options,
                example: "{}",
                "Arguments of the adapter's constructor."
            ),
            Setting(
                "lm",
                typeName: "map",
                "The language model of the pool's calls; a call may lay its own settings over it.",
                read: { node, path, draft, problems in
                    readSettings(.languageModel, from: node, path: path, into: &draft.lm, &problems)
                }
            ),
            Setting(
                "programs",
                .values,
                \.programs,
                example: "{}",
                "The user's own `dspy.Module` classes by name, such as rag: my_rag:Rag."
            ),
            Setting(
                "workers",
                .form(.workers),
                \.pool.workers,
                "How many worker processes there are."
            ),
            Setting(
                "slots",
                .form(.slots),
                \.pool.slots,
                "How many calls one worker serves at once."
            ),
            Setting(
                "python",
                .optional(.form(.text)),
                \.pool.python,
                example: ".venv",
                "The interpreter, or the folder of a virtual environment."
            ),
            Setting(
                "path",
                .texts,
                \.pool.path,
                example: "[adapters]",
                "Folders put before Python's own module path."
            ),
            Setting(
                "environment",
                .environment,
                \.pool.environment,
                example: "{OMP_NUM_THREADS: 1}",
                "Variables laid over the daemon's own for this pool's processes. No secrets."
            ),
            Setting(
                "endpoint",
                .optional(.form(.text)),
                \.pool.endpoint,
                example: "tcp://127.0.0.1:*",
                "Where workers connect, if not at the run's socket file; always with CURVE keys."
            ),
            Setting(
                "remote_workers",
                .form(.integer(0...256)),
                \.pool.remoteWorkers,
                "How many workers that somebody starts on other hosts it takes beside its own."
            ),
            Setting(
                "join_keys",
                .optional(.form(.text)),
                \.pool.joinKeys,
                example: "general.server.key",
                "The keys that those join by: the server's file of `krait keys`."
            ),
            Setting(
                "start",
                .form(.choice(PythonPool.Start.allCases.map { ($0.rawValue, $0) })),
                \.pool.start,
                "Whether workers are forked from a warm process or each started afresh."
            ),
            Setting(
                "codec",
                .form(.codec),
                \.pool.codec,
                "What bodies are written in where a call does not say."
            ),
            Setting(
                "queue_limit",
                .form(.integer(1...1_000_000)),
                \.pool.queueLimit,
                "How many calls may wait; the next one is refused with `queue_full`."
            ),
            Setting(
                "timeout",
                .form(.duration),
                \.pool.timeout,
                "How long a call may take in all where it does not say itself."
            ),
            Setting(
                "heartbeat",
                .form(.duration),
                \.pool.heartbeat,
                "The interval of a worker's heartbeats; two and a half without a sign are silence."
            ),
            Setting(
                "start_timeout",
                .form(.duration),
                \.pool.startTimeout,
                "How long a worker, and the import of the adapter, may take until it is ready."
            ),
        ] + admission + limits

    /// When workers are replaced, and a pool that failed is tried again.
    private static let limits: [Setting] = [
        Setting(
            "max_age",
            .optional(.form(.duration)),
            \.pool.maxAge,
            example: "24h",
            "How long a worker serves before it is replaced."
        ),
        Setting(
            "max_calls",
            .optional(.form(.integer(1...1_000_000_000))),
            \.pool.maxCalls,
            example: "10000",
            "How many calls a worker answers before it is replaced."
        ),
        Setting(
            "max_memory",
            .optional(.form(.size)),
            \.pool.maxMemory,
            example: "512MB",
            "From how much memory of its own on a worker is replaced, its calls done."
        ),
        Setting(
            "recover_after",
            .form(.duration),
            \.pool.recoverAfter,
            "How long after it failed a pool is tried again; doubled each time, to 5m."
        ),
        Setting(
            "memory_limit",
            .optional(.form(.size)),
            \.pool.memoryLimit,
            example: "2GB",
            "How much memory a worker may write to; a call beyond it fails with MemoryError."
        ),
        Setting(
            "cpu_limit",
            .optional(.form(.duration)),
            \.pool.cpuLimit,
            example: "1h",
            "How much processor time a worker may use in its whole life; then it is replaced."
        ),
        Setting(
            "arena",
            .optional(.form(.size)),
            \.pool.arena,
            example: "4GB",
            "Shared memory for large arguments, and as much for each worker's results."
        ),
        Setting(
            "payload_limit",
            .form(.size),
            \.pool.payloadLimit,
            "How many bytes of large values one call may have, and its answer."
        ),
        Setting(
            "compression",
            .form(.choice(PythonPool.Compression.allCases.map { ($0.rawValue, $0) })),
            \.pool.compression,
            "By what large calls and answers are compressed; automatic does it for other hosts."
        ),
    ]
}

extension [Setting<PoolDraft>] {
    static var pool: [Setting<PoolDraft>] { Setting.pool }
}

extension TextForm where Value == Codec {
    static let codec = choice(Codec.allCases.map { ($0.name, $0) })
}

extension [Setting<ValueMap>] {
    /// The keys of a pool's `lm`, as *Worker protocol* has them.
    static var languageModel: [Setting<ValueMap>] { Setting.languageModel }
}

extension Setting where Target == ValueMap {
    fileprivate static let languageModel: [Setting] = [
        lm("model", .text, { .string($0) }, "openai/gpt-4o-mini", "The model, as DSPy names it."),
        lm(
            "api_base",
            .text,
            { .string($0) },
            "http://127.0.0.1:8080/v1",
            "The endpoint, where it is not the provider's own."
        ),
        lm(
            "key_env",
            .variableName,
            { .string($0) },
            "OPENAI_API_KEY",
            "The environment variable that holds the key."
        ),
        lm(
            "model_type",
            .choice(["chat", "text", "responses"].map { ($0, $0) }),
            { .string($0) },
            "chat",
            "Which kind of endpoint it is."
        ),
        lm("temperature", .number(0...10), { .double($0) }, "0.0", "As the provider takes it."),
        lm("max_tokens", .integer(1...10_000_000), { .int(Int64($0)) }, "1000", "Per answer."),
        lm("num_retries", .integer(0...100), { .int(Int64($0)) }, "3", "After a failed request."),
        lm("timeout", .number(0.001...86_400), { .double($0) }, "60.0", "Per request, in seconds."),
        lm("cache", .boolean, { .bool($0) }, "false", "Whether answers are kept, and given again."),
        lm("gateway", .boolean, { .bool($0) }, "false", "Whether the daemon makes the requests."),
    ]

    private static func lm<Form>(
        _ name: String,
        _ form: TextForm<Form>,
        _ value: @escaping @Sendable (Form) -> Value,
        _ example: String,
        _ documentation: String
    ) -> Setting {
        let type = SettingType<Form>.form(form)
        return Setting(
            name,
            typeName: type.name,
            example: example,
            documentation,
            read: { node, path, settings, problems in
                guard let read = type.read(node, path, &problems) else { return }
                settings[name] = value(read)
            }
        )
    }
}
