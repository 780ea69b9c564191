import KraitWire

/// How an API says things: requests to bodies, bodies to answers.
///
/// Pure.
protocol Dialect: Sendable {
    /// What comes behind the endpoint's base.
    var path: String { get }
    /// The same for embeddings; nil where the API has none.
    var embeddingsPath: String? { get }
    /// What a key is sent as, and what else the API wants to have said.
    func headers(key: String?) -> [(name: String, value: String)]
    /// The body of a request; throws `.unsupportedFeature` for what the API cannot be asked.
    func body(_ request: LMRequest, model: String, isStream: Bool) throws(LMError) -> Value
    /// What a whole body answers.
    func response(_ body: Value, model: String) throws(LMError) -> LMResponse
    /// Takes a stream's events in.
    func accumulator(model: String) -> any StreamAccumulator
}

/// Puts a stream's events together.
protocol StreamAccumulator: Sendable {
    /// Takes in an event's data; gives what is new.
    mutating func took(_ data: [UInt8]) throws(LMError) -> [LMEvent]
    /// Whether the stream has said that it is over: what comes after is passed over.
    var isOver: Bool { get }
    /// The stream is over: the whole answer; throws where it ended in the middle.
    func finished() throws(LMError) -> LMResponse
}

extension LMError {
    /// An answer that is none, and what is wrong with it.
    static func malformed(_ what: String) -> LMError {
        LMError(.malformedAnswer, "the endpoint's answer is not the API's: \(what)")
    }
}

/// Reads JSON as an API sends it.
enum APIText {
    static func value(_ bytes: [UInt8]) throws(LMError) -> Value {
        do throws(WireError) { return try PlainJSON.decode(bytes) } catch {
            throw .malformed("\(error)")
        }
    }

    /// A count of tokens; what is none, such as a negative or a text, was not told.
    static func count(_ value: Value?) -> Int? { value?.int.flatMap { $0 >= 0 ? $0 : nil } }

    /// The beginning of a text an API sent.
    static func detail(_ text: String) -> String {
        var kept = text.prefix(LMLimits.detailBytes)
        while kept.utf8.count > LMLimits.detailBytes { kept.removeLast() }
        return String(kept)
    }
}

extension String? {
    /// Adds to the text in its place, where there is none yet begins it: no copy for each piece.
    mutating func append(_ text: String) {
        if self == nil { self = text } else { self?.append(text) }
    }
}
