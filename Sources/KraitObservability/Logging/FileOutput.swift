import Glibc

/// Why a log file could not be opened.
public struct LogFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file's path.
    public let path: String
    /// The system's reason.
    public let reason: String

    /// What failed, where, and what to do.
    public var description: String {
        "cannot open the log file \(path): \(reason); name a file in a folder that can be written"
    }
}

/// Writes lines to the end of a file and begins a new one when it is full.
package final class FileOutput: LineOutput {
    private let path: String
    private let maximumBytes: Int
    private let maximumFiles: Int
    private let file: Lock<File>

    private struct File {
        var descriptor: Int32
        var bytes: Int
        /// Where there is one, the disk is full as a rule.
        var gap = LineGap()
    }

    package init(path: String, maximumBytes: Int, maximumFiles: Int) throws(LogFileError) {
        precondition(maximumBytes > 0 && maximumFiles > 0, "a log file needs room")
        self.path = path
        self.maximumBytes = maximumBytes
        self.maximumFiles = maximumFiles
        let descriptor = Self.open(path)
        guard descriptor >= 0 else {
            throw LogFileError(path: path, reason: String(cString: strerror(errno)))
        }
        var status = stat()
        fstat(descriptor, &status)
        file = Lock(File(descriptor: descriptor, bytes: Int(status.st_size)))
    }

    deinit {
        file.withLock { file in _ = close(file.descriptor) }
    }

    package func write(_ line: String) {
        file.withLock { file in
            let text = file.gap.text(for: line)
            let length = text.utf8.count
            if file.bytes > 0 && file.bytes + length > maximumBytes { rotate(&file) }
            let outcome = DescriptorWriter.write(text, to: file.descriptor, patience: .zero)
            file.gap.wrote(outcome)
            // A line of which only a part went out counts whole: the limit is kept early then.
            if outcome != .nothing { file.bytes += length }
        }
    }

    /// Moves each file one number up, the last one out, and opens a new one.
    ///
    /// Where that fails the present file is emptied instead: a lost page of the log is better
    /// than a full disk.
    private func rotate(_ file: inout File) {
        for number in stride(from: maximumFiles - 2, through: 0, by: -1) {
            rename(number == 0 ? path : "\(path).\(number)", "\(path).\(number + 1)")
        }
        let next = maximumFiles > 1 ? Self.open(path) : -1
        if next >= 0 && isEmpty(next) {
            close(file.descriptor)
            file.descriptor = next
        } else {
            if next >= 0 { close(next) }
            ftruncate(file.descriptor, 0)
        }
        file.bytes = 0
    }

    private func isEmpty(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_size == 0
    }

    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    }
}
