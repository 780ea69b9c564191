import Glibc
import KraitControl

/// Where a command's text goes: standard output or error, or a test's memory.
protocol TextSink: Sendable {
    /// Writes the text as it is. Throws `OutputClosed` where nobody reads any more.
    func write(_ text: String) throws
}

/// The reader of the output is gone (`krait status | head -1`): a reason to end, not to complain.
struct OutputClosed: Error {}

/// A descriptor of this process.
struct DescriptorSink: TextSink {
    let number: Int32

    func write(_ text: String) throws {
        do throws(SystemError) {
            try Descriptor.writeAll(Array(text.utf8), to: number)
        } catch {
            if error.code == EPIPE { throw OutputClosed() }
            throw error
        }
    }
}
