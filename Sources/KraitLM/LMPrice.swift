/// What a model costs, in US dollars for a million tokens.
public struct LMPrice: Sendable, Hashable {
    /// Of the request's tokens.
    public var prompt: Double
    /// Of the answer's tokens, thought included.
    public var completion: Double
    /// Of the request's tokens those the API had cached; nil costs what the others do.
    public var cached: Double?

    /// A price.
    public init(prompt: Double, completion: Double, cached: Double? = nil) {
        self.prompt = prompt
        self.completion = completion
        self.cached = cached
    }

    /// What this usage costs; nil where it was not told.
    package func cost(of usage: LMUsage) -> Double? {
        guard let prompt = usage.promptTokens, let completion = usage.completionTokens else {
            return nil
        }
        let cached = min(usage.cachedTokens ?? 0, prompt)
        let dollars =
            Double(prompt - cached) * self.prompt + Double(cached) * (self.cached ?? self.prompt)
            + Double(completion) * self.completion
        return dollars / 1_000_000
    }

    /// Published prices of the best-known models, as the catalogue of DSPy 3.4.1 has them; only at
    /// their providers' own addresses.
    ///
    /// A dated name costs what its model does; of names that begin alike the longest counts.
    private static let table: [(name: String, price: LMPrice)] = [
        ("gpt-4o-mini", LMPrice(prompt: 0.15, completion: 0.6, cached: 0.075)),
        ("gpt-4o", LMPrice(prompt: 2.5, completion: 10, cached: 1.25)),
        ("gpt-4.1-nano", LMPrice(prompt: 0.1, completion: 0.4, cached: 0.025)),
        ("gpt-4.1-mini", LMPrice(prompt: 0.4, completion: 1.6, cached: 0.1)),
        ("gpt-4.1", LMPrice(prompt: 2, completion: 8, cached: 0.5)),
        ("claude-3-5-haiku", LMPrice(prompt: 0.8, completion: 4, cached: 0.08)),
        ("claude-sonnet-4", LMPrice(prompt: 3, completion: 15, cached: 0.3)),
        ("claude-sonnet-4-5", LMPrice(prompt: 3, completion: 15, cached: 0.3)),
        ("text-embedding-3-small", LMPrice(prompt: 0.02, completion: 0)),
        ("text-embedding-3-large", LMPrice(prompt: 0.13, completion: 0)),
    ]

    /// The price of a model as its API names it; nil where it is not known.
    static func known(of model: String) -> LMPrice? {
        let fits = table.filter { entry in
            guard model.hasPrefix(entry.name) else { return false }
            // Behind it a date at most: `gpt-4o-audio` is another model.
            let rest = model.dropFirst(entry.name.count)
            return rest.isEmpty
                || rest.first == "-"
                    && rest.dropFirst().allSatisfy {
                        $0.isNumber || $0 == "-"
                    } && rest.count >= 9
        }
        return fits.max { $0.name.utf8.count < $1.name.utf8.count }?.price
    }
}
