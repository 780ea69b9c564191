import Foundation

/// Runs `body` with the path of a new folder, and removes the folder with all that is in it.
package func withTemporaryDirectory<Result>(
    _ body: (String) async throws -> Result
) async throws -> Result {
    let path = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// Runs `body` with the path of a new folder, and removes the folder with all that is in it.
package func withTemporaryDirectory<Result>(
    _ body: (String) throws -> Result
) throws -> Result {
    let path = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

private func makeTemporaryDirectory() throws -> String {
    let parent = FileManager.default.temporaryDirectory
    // Short, since the path of a socket may have 107 bytes only.
    let name = "krait-\(String(UInt32.random(in: 0...(.max)), radix: 36))"
    let directory = parent.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    return directory.path
}
