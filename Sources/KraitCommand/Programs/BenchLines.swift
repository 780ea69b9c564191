import Benchmarks
import Krait

extension ValueMap {
    /// Adds the figures as each bench prints them, with their units in their names.
    mutating func add(_ figures: EchoBench.Figures) {
        self["n"] = .int(Int64(figures.n))
        self["calls_per_s"] = .double(figures.callsPerSecond.rounded())
        self["p50_us"] = .double(figures.p50Microseconds.rounded(toPlaces: 1))
        self["p99_us"] = .double(figures.p99Microseconds.rounded(toPlaces: 1))
    }

    /// One line of JSON.
    var line: String {
        // Numbers, names and booleans: these can always be written.
        ((try? Value.map(self).json(pretty: false)) ?? "{}") + "\n"
    }
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        return (self * scale).rounded() / scale
    }
}
