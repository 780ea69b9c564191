/// Whether `condition` becomes true within `bound` of real time.
///
/// For what cannot be awaited, such as another process's end. It looks often at first and then
/// every millisecond, so a test takes as long as the condition and not as long as a guess:
///
/// ```swift
/// #expect(await eventually { await supervisor.children().isEmpty })
/// ```
package func eventually(
    within bound: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let deadline = ContinuousClock.now + bound
    var looks = 0
    while true {
        if try await condition() { return true }
        if ContinuousClock.now >= deadline || Task.isCancelled { return false }
        looks += 1
        if looks < 100 {
            await Task.yield()
        } else {
            // Allowed: this is what spares every test its own sleep.
            try? await Task.sleep(for: .milliseconds(1))
        }
    }
}
