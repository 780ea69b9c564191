/// What a series has come to: how many, how much, and how it is spread.
///
/// A pure value of bounded size. Quantiles come from buckets an eighth of an octave wide, so that
/// they are at most 6.5 % off; the buckets are made at the first `add`.
package struct Figures: Sendable, Equatable {
    /// How many values were added, or what a counter shows.
    package private(set) var count = 0
    package private(set) var sum = 0.0
    package private(set) var minimum: Double?
    package private(set) var maximum: Double?
    /// What was added or set last.
    package private(set) var last: Double?
    private var buckets: [UInt32] = []

    package init() {}

    package var mean: Double? { count == 0 ? nil : sum / Double(count) }

    mutating func count(_ amount: Int) {
        count = count.addingReportingOverflow(amount).overflow ? .max : count + amount
    }

    mutating func set(_ value: Double) {
        count = 1
        last = value
    }

    mutating func add(_ value: Double) {
        guard value.isFinite else { return }
        if buckets.isEmpty { buckets = Array(repeating: 0, count: Self.bucketCount) }
        count(1)
        sum += value
        minimum = min(minimum ?? value, value)
        maximum = max(maximum ?? value, value)
        last = value
        let bucket = Self.bucket(of: value)
        if buckets[bucket] < .max { buckets[bucket] += 1 }
    }

    /// The value that `share` of all values do not pass, such as 0.99; nil where there is none.
    package func quantile(_ share: Double) -> Double? {
        let total = buckets.reduce(0) { $0 + Int($1) }
        guard let minimum, let maximum, total > 0 else { return nil }
        let rank = max(1, Int((share * Double(total)).rounded(.up)))
        var seen = 0
        for (bucket, amount) in buckets.enumerated() {
            seen += Int(amount)
            if seen >= rank { return min(max(Self.middle(of: bucket), minimum), maximum) }
        }
        return maximum
    }

    /// From 2⁻³⁰ (a nanosecond, in seconds) to 2⁴⁰ (a terabyte, in bytes).
    private static let exponents = -30..<40
    private static let bucketsPerOctave = 8
    private static let bucketCount = exponents.count * bucketsPerOctave

    private static func bucket(of value: Double) -> Int {
        guard value > 0 else { return 0 }
        let eighth = Int((value.significand - 1) * Double(bucketsPerOctave))
        let exponent = Int(value.exponent) - exponents.lowerBound
        return min(max(0, exponent * bucketsPerOctave + eighth), bucketCount - 1)
    }

    private static func middle(of bucket: Int) -> Double {
        let (octave, eighth) = bucket.quotientAndRemainder(dividingBy: bucketsPerOctave)
        let significand = 1 + (Double(eighth) + 0.5) / Double(bucketsPerOctave)
        return Double(
            sign: .plus,
            exponent: octave + exponents.lowerBound,
            significand: significand
        )
    }
}
