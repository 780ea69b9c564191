import Krait

func printNumbers(_ krait: Orchestrator) async throws {
    let stream = krait.stream("count", ["n": 1_000_000], timeout: .seconds(60))
    for try await chunk in stream {
        print(chunk)
        // Leaving the loop ends the generator in the worker.
        if chunk.int == 41 { break }
    }
    print(stream.reply?.value ?? "it was left early")
}
