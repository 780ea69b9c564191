import Glibc

/// Writes each record as one line to standard error or to a file.
public struct LineLogHandler: LogHandler {
    private let format: LogFormat
    private let output: any LineOutput

    package init(format: LogFormat, output: any LineOutput) {
        self.format = format
        self.output = output
    }

    /// Formats the record and writes it, all in the caller's thread.
    public func log(_ record: LogRecord) {
        output.write(format.line(for: record))
    }
}

extension LogHandler where Self == LineLogHandler {
    /// Text on standard error, coloured where that is a terminal and `NO_COLOR` is not set.
    public static func standardError() -> LineLogHandler {
        let showsColours = showsColours(
            isTerminal: isatty(STDERR_FILENO) == 1,
            term: variable("TERM"),
            noColor: variable("NO_COLOR")
        )
        return .standardError(showsColours ? .colouredText : .text)
    }

    /// Lines on standard error.
    ///
    /// A reader that has gone, or does not read, neither ends nor holds up the program: what
    /// cannot be written within 50 ms is left out, and the number of lines left out is told as
    /// soon as something can be written again.
    public static func standardError(_ format: LogFormat) -> LineLogHandler {
        LineLogHandler(format: format, output: DescriptorOutput(descriptor: STDERR_FILENO))
    }

    /// Lines at the end of a file, which only its owner can read.
    ///
    /// When the file has reached `maximumBytes` it is renamed to `path.1`, `path.1` to `path.2`
    /// and so on; `maximumFiles` are kept in all. The file is opened once and not looked for again,
    /// so moving it away by hand takes the log with it. One file belongs to one process.
    ///
    /// - Throws: ``LogFileError`` where the file cannot be opened.
    public static func file(
        at path: String,
        format: LogFormat = .text,
        maximumBytes: Int = 10_000_000,
        maximumFiles: Int = 3
    ) throws(LogFileError) -> LineLogHandler {
        let output = try FileOutput(
            path: path,
            maximumBytes: maximumBytes,
            maximumFiles: maximumFiles
        )
        return LineLogHandler(format: format, output: output)
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Whether colours are of use, as `NO_COLOR` and `TERM` say.
    static func showsColours(isTerminal: Bool, term: String?, noColor: String?) -> Bool {
        isTerminal && term != nil && term != "dumb" && (noColor ?? "").isEmpty
    }
}

/// Takes finished lines; the other half of a ``LineLogHandler``.
package protocol LineOutput: Sendable {
    /// Writes the line and a newline, or counts it as left out. Bounded in time; never throws.
    func write(_ line: String)
}
