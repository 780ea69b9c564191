/// JSON as others read and write it: without the wire's tags, so that `{"$ref": …}` is a map.
package enum PlainJSON {
    /// Writes a value; throws `unserialisable` for bytes, points in time, tables, tensors, NaN and
    /// infinities, and `bodyTooLong`.
    package static func encode(_ value: Value) throws(WireError) -> [UInt8] {
        try Codec.json.build(head: 0, bound: { JSONSize.bound(value) }) {
            sink throws(EncodingStop) in
            try JSONWriter.write(value, into: &sink, isPlain: true)
        }.bytes
    }

    /// Reads the one value that the bytes hold; throws `malformedBody`, or `bodyTooLong`.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> Value {
        guard bytes.count <= Limits.bodyBytes else { throw .bodyTooLong(bytes.count) }
        do throws(CodingFailure) {
            return try bytes.withUnsafeBufferPointer { bytes throws(CodingFailure) in
                try JSONReader.read(UnsafeRawBufferPointer(bytes), [], isPlain: true)
            }
        } catch {
            throw error.malformed
        }
    }
}
