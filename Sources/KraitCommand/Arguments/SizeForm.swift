import KraitControl

extension TextForm where Value == Int {
    /// An amount of memory with its unit, such as `512MB` or `1.5GB`, in powers of 1,024; at most
    /// 1,024 TB.
    static let size = TextForm(
        name: "size (512MB, 2GB)",
        read: { text throws(TextProblem) in
            guard let bytes = sizeUnits.lazy.compactMap({ $0.read(text) }).first,
                (1...largestSize).contains(bytes)
            else {
                throw TextProblem(
                    "must be an amount of memory with its unit, such as 512MB or 2GB, "
                        + "not \(quoted(text))"
                )
            }
            return bytes
        },
        write: { bytes in
            let unit = sizeUnits.last { bytes >= $0.bytes && bytes % $0.bytes == 0 }
            return unit.map { "\(bytes / $0.bytes)\($0.suffix)" } ?? "\((bytes + 1_023) >> 10)KB"
        }
    )
}

private let largestSize = 1 << 50

private let sizeUnits: [SizeUnit] = [
    SizeUnit(suffix: "KB", bytes: 1 << 10),
    SizeUnit(suffix: "MB", bytes: 1 << 20),
    SizeUnit(suffix: "GB", bytes: 1 << 30),
    SizeUnit(suffix: "TB", bytes: 1 << 40),
]

private struct SizeUnit {
    let suffix: String
    let bytes: Int

    func read(_ text: String) -> Int? {
        guard text.hasSuffix(suffix) else { return nil }
        let parts = text.dropLast(suffix.count)
            .split(separator: ".", omittingEmptySubsequences: false)
        let isNumber =
            (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isASCIIDigit) }
        guard isNumber, text.utf8.count <= 14, let number = Double(parts.joined(separator: "."))
        else { return nil }
        // To whole kilobytes, so that every amount can be written.
        let kilobytes = (number * Double(bytes) / 1_024).rounded(.up)
        return kilobytes <= Double(largestSize >> 10) ? Int(kilobytes) << 10 : nil
    }
}
