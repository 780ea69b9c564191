import Krait
import KraitControl
import KraitWire

/// What answers the rows of a file: an operation of the running program, or a pipeline.
struct RowProgram: Sendable {
    let name: String
    let isPipeline: Bool
    /// For `predict` and its like, whose inputs a row then holds.
    let signature: String?
    let options: CallOptions
    private let client: ControlClient

    /// Asks the daemon what has the name, and throws what no row could be answered with.
    init(
        _ name: String,
        signature: String?,
        options: CallOptions,
        _ client: ControlClient
    ) async throws {
        if let signature {
            do throws(SchemaError) {
                _ = try Schema(parsing: signature)
            } catch {
                if error.code != .delegated { throw CommandFailure(.failed, error.rendering) }
            }
        }
        let all = try await client.inquire(.pipelines(plan: nil))
        let names = all["pipelines"]?.list?.compactMap { $0["name"]?.string } ?? []
        isPipeline = names.contains(name)
        if !isPipeline { _ = try await client.inquire(.explain(operation: name)) }
        self.name = name
        self.signature = signature
        self.options = options
        self.client = client
    }

    /// What it is called in the mark of a batch.
    var title: String { (isPipeline ? "pipeline " : "") + name }

    /// The answer to a row, and what it took of language models where that is told.
    ///
    /// A `CallError` is the row's own.
    func answer(_ row: Value) async throws -> (value: Value, usage: CallUsage?) {
        if isPipeline {
            let answer = try await ask(.run(RunRequest(name, row, options: options)))
            let usage = answer["run"]?["usage"].flatMap { CallUsage(ofRun: $0) }
            return (answer["value"] ?? .null, usage)
        }
        let map = try Self.fields(of: row)
        let values: ValueMap =
            signature.map { ["signature": .string($0), "inputs": .map(map)] } ?? map
        let value = try await call(Call(name, values, options: options))
        return (value, value["usage"].flatMap { CallUsage($0) })
    }

    /// The fields of a row that must be an object.
    static func fields(of row: Value) throws(CallError) -> ValueMap {
        guard let map = row.map else {
            let message = "The line is \(row.kindName) and must be an object."
            throw CallError(.invalidInput, message)
        }
        return map
    }

    /// Makes one of a row's calls; a `CallError` is the row's own.
    func call(_ call: Call) async throws -> Value {
        try await ask(.call(call))["value"] ?? .null
    }

    private func ask(_ request: ControlRequest) async throws -> Value {
        do {
            return try await client.ask(request, timeout: nil)
        } catch let failure as ControlFailure {
            throw failure.callError ?? CallError(.invalidInput, failure.message)
        }
    }
}
