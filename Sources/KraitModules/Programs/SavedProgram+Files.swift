import Foundation

extension SavedProgram {
    /// Reads a file that DSPy's `program.save("program.json")` wrote.
    public init(contentsOf path: String) throws(SavedProgramError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SavedProgramError(
                .unreadable,
                "there is no such file, or it may not be read",
                path: path
            )
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw SavedProgramError(.malformed, "it is no UTF-8 text", path: path)
        }
        try self.init(json: text)
    }

    /// Writes a file that DSPy's `load` reads; one that is there is replaced as a whole.
    public func write(to path: String) throws(SavedProgramError) {
        try Self.write(try json, to: path)
    }

    /// Writes a program's file as a whole.
    package static func write(_ text: String, to path: String) throws(SavedProgramError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw SavedProgramError(
                .unreadable,
                "it cannot be written: \(error.localizedDescription)",
                path: path
            )
        }
    }
}
