import Glibc

/// Where a number is on an axis.
struct PlotScale: Equatable {
    let range: ClosedRange<Double>
    let isLogarithmic: Bool
    /// What is marked with a number.
    let ticks: [Double]

    /// An axis that holds all of the numbers: by powers of ten where they are far apart, and else
    /// from zero.
    init(holding numbers: [Double], spread: Double = 20) {
        let positive = numbers.filter { $0 > 0 }
        let highest = positive.max() ?? 1
        let lowest = positive.min() ?? highest
        isLogarithmic = highest / lowest > spread && positive.count == numbers.count
        if isLogarithmic {
            let first = Int(log10(lowest).rounded(.down))
            let last = max(first + 1, Int(log10(highest).rounded(.up)))
            range = pow(10, Double(first))...pow(10, Double(last))
            let step = max(1, (last - first + 5) / 6)
            ticks = stride(from: first, through: last, by: step).map { pow(10, Double($0)) }
        } else {
            let rough = highest / 4
            let magnitude = pow(10, log10(rough).rounded(.down))
            let step = [1, 2, 2.5, 5, 10].map { $0 * magnitude }.first { $0 >= rough } ?? rough
            let count = Int((highest / step).rounded(.up))
            range = 0...(step * Double(max(1, count)))
            ticks = (0...max(1, count)).map { Double($0) * step }
        }
    }

    /// From 0 at the axis's beginning to 1 at its end.
    func place(of number: Double) -> Double {
        if isLogarithmic {
            let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
            return (log10(max(number, range.lowerBound)) - low) / (high - low)
        }
        return (number - range.lowerBound) / (range.upperBound - range.lowerBound)
    }
}

extension PlotUnit {
    /// A number with its unit, as short as it can be read: `13.7 k`, `281 µs`, `1.2 s`, `16 MiB`.
    func text(_ number: Double) -> String {
        switch self {
        case .microseconds: Self.time(number)
        case .milliseconds: Self.time(number * 1_000)
        case .bytes: Self.scaled(number, by: 1_024, ["", "KiB", "MiB", "GiB"])
        case .perSecond, .plain: Self.scaled(number, by: 1_000, ["", "k", "M", "G"])
        }
    }

    /// What stands at the axis.
    var title: String {
        switch self {
        case .perSecond(let what): "\(what) per second"
        case .microseconds, .milliseconds: "time"
        case .bytes: "bytes"
        case .plain(let what): what
        }
    }

    private static func time(_ microseconds: Double) -> String {
        if microseconds >= 1e6 { return "\(short(microseconds / 1e6)) s" }
        if microseconds >= 1e3 { return "\(short(microseconds / 1e3)) ms" }
        return "\(short(microseconds)) µs"
    }

    private static func scaled(_ number: Double, by base: Double, _ names: [String]) -> String {
        var (rest, index) = (number, 0)
        while rest >= base, index + 1 < names.count { (rest, index) = (rest / base, index + 1) }
        return index == 0 ? short(rest) : "\(short(rest)) \(names[index])"
    }

    /// Three digits at most, and none behind a point that say nothing.
    static func short(_ number: Double) -> String {
        let places = number >= 100 || number == number.rounded() ? 0 : number >= 10 ? 1 : 2
        let scale = pow(10, Double(places))
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() && abs(rounded) < 1e15
            ? "\(Int(rounded))" : "\(rounded)"
    }
}
