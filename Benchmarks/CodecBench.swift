import KraitWire

/// Measures what writing and reading a value costs in each form it can take on the wire: JSON,
/// MessagePack, Arrow, and the last two compressed, by content and size.
package struct CodecBench: Sendable {
    /// One content in one form.
    package struct Figures: Sendable, Equatable {
        package var content: String
        /// How many records, numbers or bytes of content there are.
        package var size: Int
        /// `json`, `msgpack` or `arrow`, and behind `+` the compression.
        package var form: String
        /// Medians, in microseconds.
        package var encode: Double
        package var decode: Double
        /// What goes over the wire.
        package var bytes: Int
        /// Of a compressed form, the fastest line, in MB/s, on which it is quicker than plain.
        ///
        /// What it saves takes longer to send there than the work does. Nil where nothing is saved.
        package var paysBelow: Double?
        /// How often both were done.
        package var n: Int
    }

    /// How long each form of each content is measured.
    package let duration: Duration

    package init(duration: Duration = .milliseconds(200)) { self.duration = duration }

    /// Measures all of them, and tells each as it ends.
    package func run(onFigures: (Figures) throws -> Void) throws {
        for content in CodecContent.all() {
            for codec in Codec.allCases {
                try onFigures(try measure(content, content.plain, codec, nil))
            }
            let packed: Value = content.arrow ?? content.plain
            if let arrow = content.arrow {
                try onFigures(try measure(content, arrow, .messagePack, nil))
            }
            let plain = try measure(content, packed, .messagePack, nil)
            for compression in Compression.allCases {
                var figures = try measure(content, packed, .messagePack, compression)
                let saved = Double(plain.bytes - figures.bytes)
                let work = figures.encode + figures.decode - plain.encode - plain.decode
                if saved > 0 { figures.paysBelow = saved / max(work, saved / 1e6) }
                try onFigures(figures)
            }
        }
    }

    private func measure(
        _ content: CodecContent,
        _ value: Value,
        _ codec: Codec,
        _ compression: Compression?
    ) throws -> Figures {
        let isArrow = value.table != nil || value.tensor != nil
        let parts = try Self.encode(value, codec, compression)
        var (encodings, decodings): ([Double], [Double]) = ([], [])
        let end = ContinuousClock.now + duration
        while encodings.count < 5 || ContinuousClock.now < end {
            let start = ContinuousClock.now
            let made = try Self.encode(isArrow ? content.fresh() : value, codec, compression)
            let between = ContinuousClock.now
            _ = try Self.decode(made, codec, compression)
            encodings.append(start.duration(to: between) / .microseconds(1))
            decodings.append(between.duration(to: .now) / .microseconds(1))
        }
        return Figures(
            content: content.name,
            size: content.size,
            form: [isArrow ? "arrow" : codec.name, compression?.name]
                .compactMap { $0 }.joined(separator: "+"),
            encode: Self.median(encodings),
            decode: Self.median(decodings),
            bytes: parts.reduce(0) { $0 + $1.bytes.count },
            n: encodings.count
        )
    }

    /// A body or an attachment as it is sent.
    private struct Part {
        var bytes: any SharedBytes
        var isCompressed = false
    }

    private static func encode(
        _ value: Value,
        _ codec: Codec,
        _ compression: Compression?
    ) throws -> [Part] {
        let encoded = try codec.encodeGathering(value)
        let whole: [any SharedBytes] =
            [ArrayBytes(encoded.bytes)] + encoded.attachments.map(\.storage)
        guard let compression else { return whole.map { Part(bytes: $0) } }
        return whole.map { part in
            let packed = part.withUnsafeBytes { compression.compress($0) }
            return packed.map { Part(bytes: ArrayBytes($0), isCompressed: true) }
                ?? Part(bytes: part)
        }
    }

    private static func decode(
        _ parts: [Part],
        _ codec: Codec,
        _ compression: Compression?
    ) throws -> Value {
        let whole: [any SharedBytes] = try parts.map { part in
            guard part.isCompressed, let compression else { return part.bytes }
            return try part.bytes.withUnsafeBytes { try compression.decompress($0) }
        }
        return try whole[0].withUnsafeBytes { body in
            try codec.decode(body, attachments: Array(whole.dropFirst()))
        }
    }

    private static func median(_ times: [Double]) -> Double {
        let sorted = times.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }
}

/// What is measured: the same content as plain values and, where it can be, as Arrow has it.
private struct CodecContent {
    let name: String
    let size: Int
    let plain: Value
    /// Made anew for each encoding: one that was read is passed on as it is.
    let make: (() -> Value?)?

    var arrow: Value? { make.flatMap { $0() } }

    func fresh() -> Value { arrow ?? plain }

    static func all() -> [CodecContent] {
        [records(1), records(100), records(1_000), records(10_000)]
            + [numbers(100), numbers(10_000), numbers(1_000_000)]
            + [1_000, 4_000, 16_000, 64_000, 1_000_000].map(text)
            + [1_000, 64_000, 1_000_000].map(bytes)
    }

    /// Rows of mixed columns: a list of maps beside a table.
    private static func records(_ count: Int) -> CodecContent {
        let rows: [ValueMap] = (0..<count).map { index in
            [
                "id": .int(Int64(index)), "name": .string("record number \(index)"),
                "score": .double(Double(index) / 7), "kind": .string(["a", "b"][index % 2]),
            ]
        }
        let ids = (0..<count).map { Int64($0) }
        let scores = rows.map { $0["score"]?.double ?? 0 }
        let (names, kinds) = (rows.map { $0["name"]?.string }, rows.map { $0["kind"]?.string })
        return CodecContent(name: "records", size: count, plain: .list(rows.map(Value.map))) {
            let columns = [
                ("id", Table.Column(ids)), ("name", Table.Column(names)),
                ("score", Table.Column(scores)), ("kind", Table.Column(kinds)),
            ]
            return (try? Table(columns)).map(Value.table)
        }
    }

    /// An embedding, or many: a list of floats beside a tensor.
    private static func numbers(_ count: Int) -> CodecContent {
        let numbers = (0..<count).map { Double($0).squareRoot() }
        let plain = Value.list(numbers.map(Value.double))
        return CodecContent(name: "floats", size: count, plain: plain) {
            (try? Tensor(numbers, shape: [count])).map(Value.tensor)
        }
    }

    private static func text(_ count: Int) -> CodecContent {
        let line = "A passage of text, as a retriever finds it, number "
        var text = ""
        while text.utf8.count < count { text += line + "\(text.utf8.count)\n" }
        return CodecContent(name: "text", size: count, plain: .string(text), make: nil)
    }

    /// Bytes that nothing makes smaller.
    private static func bytes(_ count: Int) -> CodecContent {
        var state: UInt64 = 1
        let bytes = (0..<count).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        return CodecContent(name: "bytes", size: count, plain: .bytes(bytes), make: nil)
    }
}
