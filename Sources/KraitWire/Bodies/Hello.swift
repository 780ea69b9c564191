/// What a worker says first: who it is and what it speaks.
package struct WorkerHello: Hashable, Sendable {
    /// The protocol versions it speaks.
    package var versions: [Int]
    /// Its routing id.
    package var name: String
    /// The secret it was started with.
    package var token: String
    package var pid: Int32
    /// When the process began, in clock ticks since boot: tells it from a later one of the same
    /// pid.
    package var started: UInt64
    /// The version of `krait_worker`.
    package var package: String
    /// The version of Python.
    package var python: String
    /// What it can read compressed parts of.
    package var compressions: [Compression]

    package init(
        versions: [Int] = [Int(EnvelopeHeader.version)],
        name: String,
        token: String,
        pid: Int32,
        started: UInt64,
        package: String,
        python: String,
        compressions: [Compression] = []
    ) {
        self.compressions = compressions
        self.versions = versions
        self.name = name
        self.token = token
        self.pid = pid
        self.started = started
        self.package = package
        self.python = python
    }

    package init(_ value: Value) throws(WireError) {
        let body = try BodyReader(value)
        let versions = try body.list("versions", limit: Limits.versions)
        self.versions = []
        for (index, version) in versions.enumerated() {
            let path: [CodingFailure.Step] = [.key("versions"), .index(index)]
            self.versions.append(try BodyReader.integer(version, in: 0...255, at: path))
        }
        name = try body.text("name")
        token = try body.text("token")
        pid = try body.integer("pid", in: 1...Int32.max)
        started = try body.integer("started")
        package = try body.prose("package", limit: Limits.nameBytes)
        python = try body.prose("python", limit: Limits.nameBytes)
        // A name that is not known is one of a later Krait's.
        compressions =
            body.has("compressions")
            ? try body.list("compressions", limit: Limits.versions)
                .compactMap { $0.string.flatMap(Compression.init(name:)) } : []
    }

    package var value: Value {
        [
            "versions": .list(versions.map { .int(Int64($0)) }), "name": .string(name),
            "token": .string(token), "pid": .int(Int64(pid)), "started": Value(started),
            "package": .string(package), "python": .string(python),
            "compressions": .list(compressions.map { .string($0.name) }),
        ]
    }
}

/// What the hello of a worker that Krait did not start says beside the others.
package struct JoinRequest: Hashable, Sendable {
    /// The pool it wants to join.
    package var pool: String
    /// Where it runs, for people.
    package var host: String

    package init(_ value: Value) throws(WireError) {
        let body = try BodyReader(value)
        pool = try body.text("join")
        host = try body.prose("host", limit: Limits.nameBytes)
    }
}

/// Krait's answer to a worker's hello that it accepts.
package struct HostHello: Hashable, Sendable {
    /// The version both sides speak from here on.
    package var version: Int
    /// How often the worker beats.
    package var heartbeatMilliseconds: Int
    /// The pool's codec, for what the worker sends of its own accord.
    package var codec: Codec
    /// How shared memory is to be used; nil where it is not.
    package var arena: ArenaOffer?
    /// How many bytes may come beside one answer.
    package var payloadLimit: Int
    /// When the worker compresses what it sends; nil for never.
    package var compression: CompressionRule?

    package init(
        version: Int = Int(EnvelopeHeader.version),
        heartbeatMilliseconds: Int,
        codec: Codec,
        arena: ArenaOffer? = nil,
        payloadLimit: Int = Limits.attachmentBytes,
        compression: CompressionRule? = nil
    ) {
        self.payloadLimit = payloadLimit
        self.compression = compression
        self.version = version
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.codec = codec
        self.arena = arena
    }

    /// What a worker is to know of shared memory.
    package struct ArenaOffer: Hashable, Sendable {
        /// What the names of segments begin with, in `/dev/shm`.
        package var prefix: String
        /// The upper half of the numbers of this worker's own segments.
        package var tag: UInt32
        /// How many bytes its segments may have.
        package var limit: Int

        package init(prefix: String, tag: UInt32, limit: Int) {
            self.prefix = prefix
            self.tag = tag
            self.limit = limit
        }

        init(_ body: BodyReader) throws(WireError) {
            prefix = try body.text("prefix")
            tag = try body.integer("tag")
            limit = try body.integer("limit", in: 1...Int.max)
        }

        var value: Value {
            ["prefix": .string(prefix), "tag": .int(Int64(tag)), "limit": .int(Int64(limit))]
        }
    }

    package init(_ value: Value) throws(WireError) {
        let body = try BodyReader(value)
        version = try body.integer("version", in: 0...255)
        heartbeatMilliseconds = try body.integer("heartbeat_ms", in: 1...Int(Int32.max))
        guard let codec = Codec(name: try body.text("codec")) else {
            throw body.malformed("codec", "expected 'json' or 'msgpack'")
        }
        self.codec = codec
        let offer = try body.optionalMap("arena")
        if !offer.isEmpty { arena = try ArenaOffer(try BodyReader(.map(offer))) }
        payloadLimit =
            body.has("payload_limit")
            ? try body.integer("payload_limit", in: 1...Limits.attachmentBytes)
            : Limits.attachmentBytes
        let rule = try body.optionalMap("compression")
        if !rule.isEmpty {
            let rule = try BodyReader(.map(rule))
            guard let chosen = Compression(name: try rule.text("by")) else {
                throw body.malformed("compression", "expected 'zstd' or 'lz4'")
            }
            compression = CompressionRule(chosen, least: try rule.integer("least"))
        }
    }

    package var value: Value {
        var map: ValueMap = [
            "version": .int(Int64(version)), "heartbeat_ms": .int(Int64(heartbeatMilliseconds)),
            "codec": .string(codec.name), "payload_limit": .int(Int64(payloadLimit)),
        ]
        if let arena { map["arena"] = arena.value }
        if let compression {
            let by = Value.string(compression.compression.name)
            map["compression"] = ["by": by, "least": .int(Int64(compression.least))]
        }
        return .map(map)
    }
}

/// Why a peer leaves, or refuses the other.
package struct Goodbye: Hashable, Sendable {
    /// For people, and without payloads.
    package var reason: String

    package init(reason: String) { self.reason = reason }

    package init(_ value: Value) throws(WireError) {
        reason = try BodyReader(value).prose("reason", limit: Limits.messageTextBytes)
    }

    package var value: Value {
        ["reason": .string(Prose.start.cut(reason, to: Limits.messageTextBytes))]
    }
}
