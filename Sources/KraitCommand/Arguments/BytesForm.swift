extension TextForm where Value == Int {
    /// An amount of memory above zero, such as `512MB`, `2GiB` or `65536`.
    ///
    /// `MB` is a million bytes and `MiB` is 1,048,576, as everywhere but in some older tools.
    static let bytes = TextForm(
        name: "amount of memory (512MB, 2GiB)",
        read: { text throws(TextProblem) in
            let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            let suffix = text.dropFirst(digits.count).drop { $0 == " " }
            guard digits.count <= 12, let number = Double(digits),
                let unit = byteUnits.first(where: { $0.name.lowercased() == suffix.lowercased() }),
                case let bytes = (number * Double(unit.bytes)).rounded(), bytes >= 1,
                let count = Int(exactly: bytes)
            else {
                throw TextProblem(
                    "must be an amount of memory, such as 512MB, 2GB or 1.5GiB, not \(quoted(text))"
                )
            }
            return count
        },
        write: { bytes in
            let unit = byteUnits.first { bytes % $0.bytes == 0 && bytes >= $0.bytes }
            return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes)"
        }
    )
}

/// From the largest to the smallest, so that a number is written as short as can be.
private let byteUnits: [(name: String, bytes: Int)] = [
    ("TiB", 1 << 40), ("TB", 1_000_000_000_000), ("GiB", 1 << 30), ("GB", 1_000_000_000),
    ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1_000), ("B", 1), ("", 1),
]
