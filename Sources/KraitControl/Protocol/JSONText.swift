import KraitWire

/// The value of a JSON text, whose bytes may be no UTF-8.
package func readJSON(_ bytes: [UInt8]) throws(WireError) -> Value {
    try Codec.json.decode(bytes)
}
