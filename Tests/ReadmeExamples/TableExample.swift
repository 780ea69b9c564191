import Krait

func rerank(_ scores: [Float], with krait: Orchestrator) async throws -> [Int64] {
    // Columns from arrays are not copied; a worker's adapter gets a pyarrow.Table.
    let passages = try Table([
        ("id", Table.Column((0..<scores.count).map { Int64($0) })),
        ("score", Table.Column(scores)),
    ])
    let reply = try await krait.call("rerank", ["passages": .table(passages)])
    // What comes back is read where it arrived.
    guard let best = reply.value.table?["id"] else { return [] }
    return try best.flatMap { try $0.withUnsafeNumbers(as: Int64.self) { Array($0) } }
}

func similarity(_ embeddings: [[Float]], with krait: Orchestrator) async throws -> Float {
    // Filled where it is sent from; a worker's adapter gets a read-only numpy array.
    let shape = [embeddings.count, embeddings.first?.count ?? 0]
    let tensor = try Tensor(shape: shape, of: Float.self) { numbers in
        _ = numbers.update(fromContentsOf: embeddings.joined().map { $0 })
    }
    let reply = try await krait.call("similarity", ["embeddings": .tensor(tensor)])
    return try reply.value.tensor?.withNumbers(as: Float.self) { $0[0] } ?? .nan
}
