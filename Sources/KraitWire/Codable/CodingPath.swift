/// A key of a map or an index of a list, as Codable passes them around.
struct ValueKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
    init(intValue: Int) { (stringValue, self.intValue) = ("\(intValue)", intValue) }

    static let superKey = ValueKey(stringValue: "super")
}

extension [any CodingKey] {
    /// The path as Krait's errors have it.
    var steps: [CodingFailure.Step] {
        map { key in (key as? ValueKey)?.intValue.map { .index($0) } ?? .key(key.stringValue) }
    }
}
