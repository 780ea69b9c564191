/// Why a value cannot be coded, with the steps from the root down to it.
///
/// The steps are added on the way out of the recursion, so that a path costs nothing until there is
/// something to say about it.
struct CodingFailure: Error, Equatable {
    enum Step: Equatable {
        case key(String)
        case index(Int)
    }

    /// How many characters of a key a path shows: keys come from outside and can be long.
    private static let keyLength = 64

    let reason: String
    /// From the innermost outwards.
    private var steps: [Step] = []

    init(_ reason: String) { self.reason = reason }

    func inside(_ step: Step) -> CodingFailure {
        var outer = self
        outer.steps.append(step)
        return outer
    }

    /// The place as people write it, such as `rows[3].id`; empty for the root.
    var path: String { Self.path(of: steps.reversed()) }

    /// Writes steps, from the root, as a path: `rows[3].id`, `tags["a b"]`.
    static func path(of steps: some Sequence<Step>) -> String {
        var path = ""
        for step in steps {
            switch step {
            case .index(let index): path += "[\(index)]"
            case .key(let key) where isPlain(key): path += path.isEmpty ? key : ".\(key)"
            case .key(let key):
                let shown = String(String.UnicodeScalarView(key.unicodeScalars.prefix(keyLength)))
                path += "[\(shown.debugDescription)\(shown.utf8.count < key.utf8.count ? "…" : "")]"
            }
        }
        return path
    }

    private static func isPlain(_ key: String) -> Bool {
        guard !key.isEmpty, key.utf8.count <= keyLength else { return false }
        return key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "$"):
                true
            default: false
            }
        }
    }

    static let tooDeep = CodingFailure("lists and maps are nested deeper than \(Limits.nesting)")
    static let timeOutOfRange = CodingFailure("a point in time outside the years 1 to 9999")
    static let notUnicode = CodingFailure("text that is not valid UTF-8")
    static let truncated = CodingFailure("the body ends in the middle of a value")

    static func duplicate(_ key: String) -> CodingFailure {
        CodingFailure("the key comes twice").inside(.key(key))
    }

    static func trailing(_ count: Int) -> CodingFailure {
        CodingFailure("\(count) bytes follow the value")
    }

    var malformed: WireError { .malformedBody(path: path, reason: reason) }
    var unserialisable: WireError { .unserialisable(path: path, reason: reason) }
}
