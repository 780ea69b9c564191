import KraitWire

/// The objects that people use most.
///
/// Each is made and run by a worker; where Swift has the same, its note says so.
extension DSPyObject {
    /// `dspy.Predict`.
    ///
    /// Natively: `predict`.
    public static func predict(_ signature: DSPySignature) -> DSPyObject {
        DSPyObject("Predict", signature: signature)
    }

    /// `dspy.ChainOfThought`.
    ///
    /// Natively: `chainOfThought`.
    public static func chainOfThought(_ signature: DSPySignature) -> DSPyObject {
        DSPyObject("ChainOfThought", signature: signature)
    }

    /// `dspy.ReAct`: uses the tools until it has the outputs.
    ///
    /// Natively: `react`.
    public static func react(
        _ signature: DSPySignature,
        tools: [Tool],
        maxIterations: Int = 20
    ) -> DSPyObject {
        agent("ReAct", signature, tools, maxIterations)
    }

    /// `dspy.CodeAct`: writes and runs Python that uses the tools.
    ///
    /// The pool's option `interpreter` says where its code runs: in Deno, or `local`.
    public static func codeAct(
        _ signature: DSPySignature,
        tools: [Tool],
        maxIterations: Int = 5
    ) -> DSPyObject {
        agent("CodeAct", signature, tools, maxIterations)
    }

    /// `dspy.ProgramOfThought`: writes and runs Python that computes the outputs.
    ///
    /// The pool's option `interpreter` says where its code runs: in Deno, or `local`.
    public static func programOfThought(
        _ signature: DSPySignature,
        maxIterations: Int = 3
    ) -> DSPyObject {
        let most: DSPyArgument = .value(.int(Int64(maxIterations)))
        return DSPyObject("ProgramOfThought", signature: signature, ["max_iters": most])
    }

    /// `dspy.BestOfN`: the best of some attempts, by a reward.
    ///
    /// Natively: `Program.bestOf`.
    ///
    /// - Parameter threshold: a reward that ends the attempts.
    public static func bestOf(
        _ attempts: Int,
        of program: DSPyObject,
        threshold: Double,
        reward: DSPyScore
    ) -> DSPyObject {
        rewarded("BestOfN", attempts, program, threshold, reward)
    }

    /// `dspy.Refine`: each attempt is told what was wrong with the one before.
    ///
    /// Natively: `Program.refined`.
    ///
    /// - Parameter threshold: a reward that ends the attempts.
    public static func refine(
        _ attempts: Int,
        of program: DSPyObject,
        threshold: Double,
        reward: DSPyScore
    ) -> DSPyObject {
        rewarded("Refine", attempts, program, threshold, reward)
    }

    /// `dspy.MultiChainComparison`: one answer from several, which its call has as `completions`.
    ///
    /// Natively: `Program.multiChainComparison`.
    public static func multiChainComparison(
        _ signature: DSPySignature,
        of completions: Int = 3,
        temperature: Double = 0.7
    ) -> DSPyObject {
        let arguments: [String: DSPyArgument] = [
            "M": .value(.int(Int64(completions))), "temperature": .value(.double(temperature)),
        ]
        return DSPyObject("MultiChainComparison", signature: signature, arguments)
    }

    /// `dspy.Parallel`: many programs at once.
    ///
    /// Its call has them as `exec_pairs`: lists of a program and its inputs. Natively:
    /// `Program.parallel`, or a task group.
    public static func parallel(threads: Int, maxErrors: Int? = nil) -> DSPyObject {
        var arguments: [String: DSPyArgument] = [
            "num_threads": .value(.int(Int64(threads))), "disable_progress_bar": true,
        ]
        arguments["max_errors"] = maxErrors.map { .value(.int(Int64($0))) }
        return DSPyObject("Parallel", arguments)
    }

    /// `dspy.KNN`: the examples nearest to some inputs.
    ///
    /// Natively: `NearestDemos`.
    ///
    /// - Parameter inputs: the fields of the examples that are inputs.
    public static func knn(
        _ count: Int,
        of examples: [ValueMap],
        inputs: [String],
        by embedder: DSPyEmbedder
    ) -> DSPyObject {
        DSPyObject(
            "KNN",
            [
                "k": .value(.int(Int64(count))),
                "trainset": .list(examples.map { .example($0, inputs: inputs) }),
                "vectorizer": .embedder(embedder),
            ]
        )
    }

    /// `dspy.Embeddings`: the passages nearest to a text, which its call has as `query`.
    ///
    /// - Parameter scores: whether the answer tells how near, as `EmbeddingsWithScores` does.
    public static func embeddings(
        _ count: Int,
        of passages: [String],
        by embedder: DSPyEmbedder,
        scores: Bool = false
    ) -> DSPyObject {
        DSPyObject(
            scores ? "EmbeddingsWithScores" : "Embeddings",
            [
                "k": .value(.int(Int64(count))),
                "corpus": .value(.list(passages.map(Value.string))),
                "embedder": .embedder(embedder),
            ]
        )
    }

    /// `dspy.Evaluate`: scores the program that its call has as `program`.
    ///
    /// Natively: `Evaluation`.
    ///
    /// - Parameter inputs: the fields of the examples that are inputs.
    public static func evaluate(
        on examples: [ValueMap],
        inputs: [String],
        by metric: DSPyScore,
        threads: Int = 8
    ) -> DSPyObject {
        DSPyObject(
            "Evaluate",
            [
                "devset": .list(examples.map { .example($0, inputs: inputs) }),
                "metric": .score(metric), "num_threads": .value(.int(Int64(threads))),
            ]
        )
    }

    private static func agent(
        _ name: String,
        _ signature: DSPySignature,
        _ tools: [Tool],
        _ most: Int
    ) -> DSPyObject {
        let arguments: [String: DSPyArgument] = [
            "tools": .list(tools.map(DSPyArgument.tool)), "max_iters": .value(.int(Int64(most))),
        ]
        return DSPyObject(name, signature: signature, arguments)
    }

    private static func rewarded(
        _ name: String,
        _ attempts: Int,
        _ program: DSPyObject,
        _ threshold: Double,
        _ reward: DSPyScore
    ) -> DSPyObject {
        DSPyObject(
            name,
            [
                "module": .object(program), "N": .value(.int(Int64(attempts))),
                "threshold": .value(.double(threshold)), "reward_fn": .score(reward),
            ]
        )
    }
}
