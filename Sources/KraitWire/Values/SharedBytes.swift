/// Bytes that somebody owns and nobody changes, such as a received frame or leased memory.
///
/// Whoever holds the object may read them; they live as long as it does.
package protocol SharedBytes: AnyObject, Sendable {
    /// Runs `body` with the bytes, without a copy.
    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

extension SharedBytes {
    /// How many bytes they are.
    package var count: Int { withUnsafeBytes { $0.count } }

    /// A copy of the bytes; of an array's own bytes, the array itself.
    package var array: [UInt8] {
        if let held = self as? ArrayBytes { return held.bytes }
        return withUnsafeBytes { Array($0) }
    }
}

/// An array's bytes as shared ones, without a copy.
package final class ArrayBytes: SharedBytes {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
            try body(UnsafeRawBufferPointer(bytes))
        }
    }
}
