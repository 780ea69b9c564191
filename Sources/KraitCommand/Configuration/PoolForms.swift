import Krait
import KraitControl
import KraitWire

extension TextForm where Value == String {
    /// An adapter's name: `echo`, `dspy`, or a class of the user's own as `module:Class`.
    static let adapter = TextForm(
        name: "adapter (echo, dspy or module:Class)",
        read: { text throws(TextProblem) in
            if ["echo", "dspy"].contains(text) || isClassPath(text) { return text }
            let hint =
                NearestName.find(text, among: ["echo", "dspy"])
                .map { "; did you mean \($0)?" } ?? ""
            throw TextProblem(
                "must be an adapter: echo, dspy, or module:Class such as shop.adapters:Pricing, "
                    + "not \(quoted(text))\(hint)"
            )
        },
        write: { $0 }
    )

    private static func isClassPath(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                part.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
                    $0.first.map { $0.isLetter || $0 == "_" } ?? false
                        && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
                }
            }
    }

    /// A pool's name.
    ///
    /// `native` is the word for the route that is no pool.
    static let poolName = TextForm(
        name: "name of a pool",
        read: { text throws(TextProblem) in
            guard text != "native" else {
                throw TextProblem("must not be \"native\", which names the route to Swift code")
            }
            return try identifier.read(text)
        },
        write: { $0 }
    )
}

extension TextForm where Value == Int {
    /// How many worker processes a pool may be given; the machine caps it further.
    static let workers = integer(1...256)
    static let slots = integer(1...1_024)
}

/// A pool as the command line gives it: `NAME=ADAPTER`, with counts behind it or without.
struct PoolArgument: Sendable, Equatable {
    static let placeholder = "NAME=ADAPTER[:WORKERS[xSLOTS]]"

    var name: String
    var adapter: String
    /// Nil where the text does not say: the file's value stays, or the default.
    var workers: Int?
    var slots: Int?
}

extension TextForm where Value == PoolArgument {
    /// A pool on the command line, such as `general=dspy:4x16` or `shop=shop.adapters:Pricing:2`.
    static let pool = TextForm(
        name: PoolArgument.placeholder,
        read: { text throws(TextProblem) in
            guard let sign = text.firstIndex(of: "=") else {
                throw TextProblem(
                    "must be \(PoolArgument.placeholder), such as general=dspy:2x16, "
                        + "not \(quoted(text))"
                )
            }
            let name = try part("its name") { () throws(TextProblem) in
                try TextForm<String>.poolName.read(String(text[..<sign]))
            }
            var adapter = text[text.index(after: sign)...]
            var pool = PoolArgument(name: name, adapter: "")
            if let colon = adapter.lastIndex(of: ":"),
                let first = adapter[adapter.index(after: colon)...].utf8.first, first.isASCIIDigit
            {
                let counts = adapter[adapter.index(after: colon)...]
                adapter = adapter[..<colon]
                try readCounts(String(counts), into: &pool)
            }
            pool.adapter = try part("its adapter") { () throws(TextProblem) in
                try TextForm<String>.adapter.read(String(adapter))
            }
            return pool
        },
        write: { pool in
            let slots = pool.slots.map { "x\($0)" } ?? ""
            let counts = pool.workers.map { ":\($0)\(slots)" } ?? ""
            return "\(pool.name)=\(pool.adapter)\(counts)"
        }
    )

    private static func readCounts(
        _ text: String,
        into pool: inout PoolArgument
    ) throws(TextProblem) {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else {
            throw TextProblem(
                "must end in WORKERS or WORKERSxSLOTS, such as 2x16, not \(quoted(text))"
            )
        }
        pool.workers = try part("its workers") { () throws(TextProblem) in
            try TextForm<Int>.workers.read(parts[0])
        }
        guard parts.count == 2 else { return }
        pool.slots = try part("its slots") { () throws(TextProblem) in
            try TextForm<Int>.slots.read(parts[1])
        }
    }

    private static func part<Part>(
        _ title: String,
        _ read: () throws(TextProblem) -> Part
    ) throws(TextProblem) -> Part {
        do throws(TextProblem) {
            return try read()
        } catch {
            throw TextProblem("is not valid: \(title) \(error.reason)")
        }
    }
}
