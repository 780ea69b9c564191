import KraitPrompts
import KraitRouting
import KraitSignatures
import KraitWire

/// DSPy's `KNN`: of many examples those nearest to a question.
///
/// The vectors of the examples are made once. Nearness is the scalar product in single precision,
/// as in DSPy; of equal ones the later example comes first.
public struct NearestDemos: Sendable {
    /// Makes vectors of texts, such as an embedding model's.
    public typealias Vectorizer = @Sendable ([String]) async throws -> [[Float]]

    private let count: Int
    private let examples: [ValueMap]
    private let vectors: [[Float]]
    private let vectorize: Vectorizer

    /// Makes the vectors of the examples.
    ///
    /// - Parameters:
    ///   - count: how many are found.
    ///   - inputs: the names of the examples' inputs, of which their vectors are made.
    /// - Throws: what `vectorize` throws; `invalid_output` where it gives vectors that do not fit.
    public init(
        _ count: Int,
        among examples: [ValueMap],
        inputs: [String],
        vectorize: @escaping Vectorizer
    ) async throws(CallError) {
        self.count = max(count, 0)
        self.examples = examples
        self.vectorize = vectorize
        let texts = examples.map { example in
            Self.text(example.entries.filter { inputs.contains($0.key) })
        }
        vectors = try await Self.vectors(of: texts, vectorize)
        guard let size = vectors.first?.count, vectors.allSatisfy({ $0.count == size }) else {
            throw CallError(.invalidOutput, "The examples' vectors are not of one size, or none.")
        }
    }

    /// The nearest examples, the best first.
    public func callAsFunction(_ inputs: ValueMap) async throws(CallError) -> [ValueMap] {
        let found = try await Self.vectors(of: [Self.text(inputs.entries)], vectorize)
        guard let question = found.first, question.count == vectors.first?.count else {
            throw CallError(.invalidOutput, "The question's vector is not of the examples' size.")
        }
        let scores = vectors.map { zip($0, question).reduce(Float(0)) { $0 + $1.0 * $1.1 } }
        let order = scores.indices.sorted { left, right in
            scores[left] == scores[right] ? left > right : scores[left] > scores[right]
        }
        return order.prefix(count).map { examples[$0] }
    }

    private static func text(_ entries: [ValueMap.Entry]) -> String {
        entries.map { "\($0.key): \(PythonValue($0.value).text)" }.joined(separator: " | ")
    }

    private static func vectors(
        of texts: [String],
        _ vectorize: Vectorizer
    ) async throws(CallError) -> [[Float]] {
        let vectors: [[Float]]
        do {
            vectors = try await vectorize(texts)
        } catch {
            throw .raised(by: error, in: "The vectorizer")
        }
        guard vectors.count == texts.count else {
            throw CallError(
                .invalidOutput,
                "The vectorizer gave \(vectors.count) vectors for \(texts.count) texts."
            )
        }
        return vectors
    }
}

extension Program {
    /// Runs the program with the nearest examples as its demos.
    ///
    /// Unlike DSPy's `KNNFewShot` it takes the examples as they are, and lets no teacher answer
    /// them first: that is `BootstrapFewShot`'s work, in Python.
    public func with(nearest demos: NearestDemos) -> Program {
        Program([("module", self)]) { parts, inputs throws(PredictFailure) in
            guard let module = parts.parts.first?.program else { throw .delegated(.argument) }
            let found: [ValueMap]
            do throws(CallError) {
                found = try await demos(inputs)
            } catch {
                throw .raised(error)
            }
            return try await module.with(demos: found).run(inputs, in: parts.context)
        }
    }
}
