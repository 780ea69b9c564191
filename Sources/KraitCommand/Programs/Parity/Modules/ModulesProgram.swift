import Krait
import KraitSignatures
import KraitWire

/// `krait parity --modules`: whole predictions, natively and by DSPy's modules in a worker.
///
/// Both ask one offline LM, which keeps the requests' bodies: these are compared, and the fields.
enum ModulesProgram {
    static func run(
        _ count: Int,
        _ request: ParityRequest,
        _ context: CommandContext
    ) async throws -> ParityTally {
        let questions = try ModuleQuestions.all(of: request.source, count: count)
        guard !questions.isEmpty else {
            throw CommandFailure(.failed, "there are no signatures with inputs to be asked about")
        }
        let tally = try await ModuleRun.running(python: request.python) { run in
            var tally = ParityTally(file: "modules", shown: request.shown)
            for number in 0..<count {
                try Task.checkCancellation()
                // Where they come again, they come for the other module.
                let round = number / questions.count + number
                let operation = ModuleRun.operations[round % ModuleRun.operations.count]
                let question = questions[number % questions.count]
                tally.add(try await run.compare(operation, question))
            }
            return tally
        }
        try ParityProgram.write(tally, request, context)
        return tally
    }
}

/// Native modules and a worker with DSPy that ask one offline LM.
struct ModuleRun: Sendable {
    static let operations = ["predict", "chain_of_thought"]
    private static let offline = "offline-lm"
    private static let pool = "dspy"
    private static let model = "openai/offline"
    /// Errors that are answers, of which the code is compared.
    private static let compared: [CallError.Code] = [
        .delegated, .faulted, .invalidInput, .invalidOutput,
    ]

    let krait: Orchestrator
    let host: Orchestrator

    /// Starts both for as long as `body` runs.
    static func running<Result: Sendable>(
        python: String?,
        _ body: @escaping @Sendable (ModuleRun) async throws -> Result
    ) async throws -> Result {
        let host = Orchestrator(name: "parity-lm") {
            PythonPool(
                offline,
                adapter: .custom(
                    "krait_worker.offline_lm.adapter:OfflineLM",
                    options: ["record": true]
                ),
                workers: 1,
                python: python
            )
        }
        return try await host.running { host in
            let url = try await host.call("url").value.string ?? ""
            let lm = LM(model, apiBase: url, cache: false, numRetries: 0)
            let adapter = Adapter.dspy(
                model: model,
                apiBase: url,
                settings: ["num_retries": 0]
            )
            let orchestrator = Orchestrator(name: "parity") {
                NativeModules(lm, structuredOutput: .prompt)
                PythonPool(pool, adapter: adapter, workers: 1, python: python)
            }
            return try await orchestrator.running { krait in
                try await krait.ready()
                return try await body(ModuleRun(krait: krait, host: host))
            }
        }
    }

    /// What one side made of a question: its requests, and its fields or its error.
    private struct Made {
        var requests: Value
        var outputs: Value
        var rule: DelegationRule?
    }

    /// Asks both sides and compares.
    func compare(_ operation: String, _ question: ValueMap) async throws -> ParityOutcome {
        let native = try await make(operation, question, on: .native)
        if let rule = native.rule { return .delegated(rule) }
        let python = try await make(operation, question, on: .pool(Self.pool))
        for (place, ours, theirs) in [
            ("requests", native.requests, python.requests),
            ("outputs", native.outputs, python.outputs),
        ] where ours != theirs {
            var difference = ParityDifference(
                place,
                native: try ours.json(pretty: true),
                python: try theirs.json(pretty: true)
            )
            difference.question = "\(operation) \(try Value.map(question).json())"
            return .failed(difference)
        }
        return .passed
    }

    private func make(
        _ operation: String,
        _ question: ValueMap,
        on route: RouteChoice
    ) async throws -> Made {
        var made = Made(requests: .null, outputs: .null)
        do {
            let reply = try await krait.call(operation, question, on: route)
            made.outputs = reply.value["outputs"] ?? .null
        } catch {
            if error.code == .delegated {
                made.rule = DelegationRule(rawValue: error.fault?.message ?? "")
            }
            guard Self.compared.contains(error.code) else { throw error }
            made.outputs = ["error": .string(error.code.rawValue)]
        }
        made.requests = try await host.call("asked").value
        return made
    }
}
