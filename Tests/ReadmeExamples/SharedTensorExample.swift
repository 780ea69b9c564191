import Krait

func embed(_ passages: [[Float]], with krait: Orchestrator) async throws -> Tensor? {
    // Filled where the pool's workers see it: sending it copies nothing.
    let shape = [passages.count, passages.first?.count ?? 0]
    let tensor = try krait.tensor(shape: shape, of: Float.self, for: "neural") { numbers in
        _ = numbers.update(fromContentsOf: passages.joined().map { $0 })
    }
    let reply = try await krait.call("embed", ["passages": .tensor(tensor)], on: .pool("neural"))
    return reply.value.tensor
}
