import KraitControl

extension TextForm where Value == Duration {
    /// A time above zero with its unit, such as `500ms`, `30s`, `1.5m` or `2h`; at most 30 days.
    static let duration = TextForm(
        name: "duration (500ms, 30s, 2m, 1h)",
        read: { text throws(TextProblem) in
            guard let duration = durationUnits.lazy.compactMap({ $0.read(text) }).first,
                duration > .zero, duration <= longestDuration
            else {
                throw TextProblem(
                    "must be a time with its unit, such as 500ms, 30s, 2m or 1h, "
                        + "not \(quoted(text))"
                )
            }
            return duration
        },
        write: { duration in
            durationUnits.reversed().lazy.compactMap { $0.write(duration) }.first ?? "0s"
        }
    )
}

private let longestDuration: Duration = .seconds(30 * 86_400)

/// From the longest suffix to the shortest, as `ms` also ends in `s`, and by size within.
private let durationUnits: [DurationUnit] = [
    DurationUnit(suffix: "ms", milliseconds: 1),
    DurationUnit(suffix: "s", milliseconds: 1_000),
    DurationUnit(suffix: "m", milliseconds: 60_000),
    DurationUnit(suffix: "h", milliseconds: 3_600_000),
]

private struct DurationUnit {
    let suffix: String
    let milliseconds: Int

    func read(_ text: String) -> Duration? {
        guard text.hasSuffix(suffix) else { return nil }
        let digits = text.dropLast(suffix.count)
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        let isNumber =
            (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isASCIIDigit) }
        guard isNumber, digits.utf8.count <= 12, let number = Double(digits) else { return nil }
        return .milliseconds((number * Double(milliseconds)).rounded())
    }

    /// The duration in this unit, where it is a whole number of it.
    func write(_ duration: Duration) -> String? {
        let (seconds, attoseconds) = duration.components
        let total = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        guard total > 0, total % Int64(milliseconds) == 0 else { return nil }
        return "\(total / Int64(milliseconds))\(suffix)"
    }
}
