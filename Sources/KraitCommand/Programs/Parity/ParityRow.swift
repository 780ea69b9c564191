import KraitSignatures

/// One question and DSPy's answer to it: a line of a file of recorded answers, or a worker's reply.
struct ParityRow: Sendable {
    let entries: PythonDict

    /// A row from its line of JSON; nil where it is no object.
    ///
    /// Throws `.delegated` for half a surrogate pair, which no Swift text can hold.
    init?(line: [UInt8]) throws(ValueFailure) {
        guard case .dict(let entries)? = try JSONText.read(line) else { return nil }
        self.entries = entries
    }

    init(_ entries: PythonDict) { self.entries = entries }

    subscript(key: String) -> PythonValue? { entries[key] }

    func text(_ key: String) -> String? { entries[key]?.string }

    func row(_ key: String) -> ParityRow? { entries[key]?.dict.map(ParityRow.init) }

    func rows(_ key: String) -> [ParityRow] {
        (entries[key]?.list ?? []).compactMap { $0.dict.map(ParityRow.init) }
    }

    func flag(_ key: String) -> Bool? {
        if case .bool(let flag)? = entries[key] { flag } else { nil }
    }

    /// The class of the recorded exception, where the answer is one.
    var errorClass: String? { row("error")?.text("class") }
}

/// What came of a row.
enum ParityOutcome: Sendable {
    /// Swift's answer is DSPy's.
    case passed
    /// It is not.
    case failed(ParityDifference)
    /// The router would ask Python, by this rule.
    case delegated(DelegationRule)
}

/// Where two answers differ.
struct ParityDifference: Error, Sendable {
    /// The question, in a few words.
    var question = ""
    /// The part of the answer.
    var place: String
    /// What Swift says there.
    var native: String
    /// What DSPy says there.
    var python: String

    init(_ place: String, native: String, python: String) {
        self.place = place
        self.native = native
        self.python = python
    }
}

/// Why a row was not compared to its end: it differs, or only Python can answer it.
enum ParityStop: Error, Sendable {
    case differs(ParityDifference)
    case delegated(DelegationRule)
}

extension ParityRow {
    /// Compares texts scalar by scalar.
    static func compare(
        _ place: String,
        _ native: String?,
        with python: String?
    ) throws(ParityStop) {
        switch (native, python) {
        case (nil, nil): return
        case (let native?, let python?) where native.utf8.elementsEqual(python.utf8): return
        default:
            throw .differs(
                ParityDifference(place, native: native ?? "nothing", python: python ?? "nothing")
            )
        }
    }

    /// Compares values: of the same class, entries in the same order.
    static func compare(
        _ place: String,
        _ native: PythonValue,
        with python: PythonValue
    ) throws(ParityStop) {
        guard !native.isIdentical(to: python) else { return }
        throw .differs(
            ParityDifference(place, native: described(native), python: described(python))
        )
    }

    private static func described(_ value: PythonValue) -> String {
        "\(value.typeName) \(value.representation)"
    }

    /// A row that lacks what its kind has.
    static func malformed(_ part: String) -> ParityStop {
        .differs(ParityDifference("row", native: "expects \(part)", python: "has none"))
    }

    /// The text under a key, which every row of the kind has.
    func required(_ key: String) throws(ParityStop) -> String {
        guard let text = text(key) else { throw Self.malformed(key) }
        return text
    }
}
