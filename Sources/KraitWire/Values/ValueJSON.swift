/// Values as JSON texts, for people and programs outside the wire: command lines, files, logs.
extension Value {
    /// The value of a JSON text, by the rules of the wire: `{"$bytes": …}` is bytes, `1` no float.
    ///
    /// Throws `ValueError`, which names the place. A text may have 64 MiB.
    public init(json text: String) throws {
        do throws(WireError) {
            self = try Codec.json.decode(Array(text.utf8))
        } catch {
            throw ValueError(error)
        }
    }

    /// The JSON text of this value, by the rules of the wire; `pretty` lays it out over lines.
    ///
    /// Throws `ValueError` for what JSON does not carry: nesting deeper than 128, points in time
    /// outside the years 1 to 9999, more than 64 MiB in all. Values that came over the wire always
    /// have a text.
    public func json(pretty: Bool = false) throws -> String {
        do throws(WireError) {
            let bytes = try Codec.json.build(
                head: 0,
                bound: { JSONSize.bound(self, isPretty: pretty) }
            ) { sink throws(EncodingStop) in
                try JSONWriter.write(self, into: &sink, isPretty: pretty)
            }.bytes
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw ValueError(error)
        }
    }
}
