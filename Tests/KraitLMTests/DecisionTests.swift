import KraitTestSupport
import KraitWire
import Testing

@testable import KraitLM

/// What is decided without a connection.
struct DecisionTests {
    // MARK: Event streams

    @Test(arguments: [
        ("data: a\n\ndata: b\n\n", ["a", "b"]),
        ("data: a\r\n\r\ndata:b\r\n\r\n", ["a", "b"]),
        ("data: a\rdata: b\r\r", ["a\nb"]),
        (": comment\nevent: x\nid: 1\ndata: a\nretry: 3\n\n", ["a"]),
        ("\u{FEFF}data: a\n\n", ["a"]),
        ("data\n\n", [""]),
        ("database: x\n\ndata:  two\n\n", [" two"]),
        ("data: unfinished\n", []),
    ])
    func `events are found however the bytes are cut`(text: String, expected: [String]) throws {
        let bytes = Array(text.utf8)
        for size in 1...max(1, bytes.count) {
            var parser = EventStreamParser()
            var found: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let events = try parser.took(bytes[start..<min(start + size, bytes.count)])
                found += events.map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(found == expected, "in pieces of \(size)")
        }
    }

    @Test func `an event without end is refused, not kept`() throws {
        var parser = EventStreamParser(limit: 1_000)
        _ = try parser.took([UInt8](repeating: 97, count: 1_000))
        #expect(throws: EventStreamParser.TooLong()) { try parser.took([97]) }
    }

    @Test func `any bytes are events or none, and never more than came`() throws {
        var random = SplitMix64(seed: 7)
        let alphabet = Array("data: \r\n:{}x".utf8)
        for _ in 0..<2_000 {
            var parser = EventStreamParser(limit: 64)
            let length = Int.random(in: 0..<200, using: &random)
            let bytes = (0..<length).map { _ in
                alphabet.randomElement(using: &random) ?? UInt8.random(in: 0...255, using: &random)
            }
            guard let events = try? parser.took(bytes) else { continue }
            #expect(events.reduce(0) { $0 + $1.count } <= bytes.count)
        }
    }

    // MARK: Heads

    @Test func `of several heads the last one counts`() {
        var head = HTTPHead(status: 0)
        for line in [
            "HTTP/1.1 100 Continue", "HTTP/2 429", "CONTENT-TYPE:  a/b; c=d \r", "x",
            "Retry-After: 7",
        ] {
            head.took(line: Array(line.utf8))
        }
        #expect(head == HTTPHead(status: 429, contentType: "a/b; c=d", retryAfter: "7"))
    }

    @Test(arguments: [
        ("7", Duration.seconds(7)), ("0.5", .milliseconds(500)), ("-1", nil), ("nan", nil),
        ("soon", nil), (nil, nil), ("Thu, 01 Jan 1970 00:01:40 GMT", .seconds(40)),
        ("Thu, 01 Jan 1970 00:00:40 GMT", .zero), ("Thu, 99 Jan 1970 00:00:40 GMT", nil),
    ])
    func `Retry-After is seconds or a date`(header: String?, expected: Duration?) {
        #expect(APIError.retryAfter(header, now: Timestamp(seconds: 60)) == expected)
    }

    // MARK: Tries

    @Test func `transient errors are tried again with growing bounds, others never`() {
        let server = LMError(.server, "x")
        var retries = Retries(3)
        let waits = (0..<4).map { _ in
            retries.failed(server, remaining: .seconds(100), random: 0.5)
        }
        #expect(waits == [.milliseconds(500), .seconds(1), .seconds(2), nil])
        for kind in LMError.Kind.all where !kind.isTransient {
            var retries = Retries(3)
            let wait = retries.failed(LMError(kind, "x"), remaining: .seconds(9), random: 0)
            #expect(wait == nil, "\(kind)")
        }
    }

    @Test func `no try is waited for that could not end in time`() {
        var retries = Retries(3)
        let asked = LMError(.rateLimited, "x", retryAfter: .seconds(5))
        #expect(retries.failed(asked, remaining: .seconds(5), random: 0) == nil)
        #expect(retries.failed(asked, remaining: .seconds(6), random: 0) == .seconds(5))
        let long = LMError(.rateLimited, "x", retryAfter: .seconds(61))
        #expect(retries.failed(long, remaining: .seconds(600), random: 0) == nil)
    }

    // MARK: Prices

    @Test(arguments: [
        ("gpt-4o-mini", 0.15), ("gpt-4o-mini-2024-07-18", 0.15), ("gpt-4o-2024-08-06", 2.5),
        ("gpt-4o-audio-preview", nil), ("claude-sonnet-4-5-20250929", 3), ("gpt-5", nil),
    ])
    func `a dated model costs what its model does, another's price is unknown`(
        model: String,
        prompt: Double?
    ) {
        #expect(LMPrice.known(of: model)?.prompt == prompt)
    }

    @Test func `an unknown usage costs an unknown sum`() {
        let price = LMPrice(prompt: 1, completion: 2, cached: 0.5)
        #expect(price.cost(of: LMUsage(promptTokens: 1)) == nil)
        let usage = LMUsage(
            promptTokens: 2_000_000,
            completionTokens: 1_000_000,
            cachedTokens: 1_000_000
        )
        #expect(price.cost(of: usage) == 3.5)
    }

    // MARK: The cache

    @Test func `what is asked makes the key, not how long or in which order`() throws {
        let base = LMRequest(model: "a/b", messages: [.user("q")])
        func key(_ change: (inout LMRequest) -> Void = { _ in }) throws -> LMCacheKey {
            var request = base
            change(&request)
            return try #require(LMCacheKey(request))
        }
        let one = try key { $0.parameters.extra = ["x": 1, "y": 2] }
        #expect(try one == key { $0.parameters.extra = ["y": 2, "x": 1] })
        #expect(try key() == key { $0.timeout = .seconds(1) })
        #expect(try key() == key { $0.cache = false })
        let keys = try [
            key(), one, key { $0.rolloutID = 1 }, key { $0.n = 2 },
            key { $0.model = "a/c" }, key { $0.parameters.temperature = 0 },
            key { $0.messages.append(.assistant("q")) }, key { $0.responseFormat = .jsonObject },
            key { $0.messages = [.user("\u{e9}")] }, key { $0.messages = [.user("e\u{301}")] },
        ]
        #expect(Set(keys).count == keys.count)
        // Models of one name at two places are two.
        let places = [nil, "http://a/v1", "http://b/v1"].map { LMCacheKey(base, at: $0) }
        #expect(Set(places).count == 3)
        let vectors = [nil, "http://a/v1", "http://b/v1"].map {
            LMCacheKey(embedding: "q", by: "a/b", dimensions: nil, at: $0)
        }
        #expect(Set(vectors).count == 3)
    }

    @Test func `the answers used last stay, within both bounds`() throws {
        func answer(_ size: Int) -> CachedAnswer {
            let text = String(repeating: "x", count: size)
            return .response(LMResponse(model: "m", completions: [LMCompletion(text: text)]))
        }
        func key(_ number: Int) throws -> LMCacheKey {
            try #require(LMCacheKey(LMRequest("\(number)")))
        }
        var answers = RecentAnswers(entries: 3, bytes: 5_000)
        for number in 0..<3 { try answers.put(answer(1), under: key(number)) }
        #expect(try answers.find(key(0)) != nil)
        try answers.put(answer(2), under: key(3))
        #expect(try (0..<4).map { try answers.find(key($0)) != nil } == [true, false, true, true])
        try answers.put(answer(3_500), under: key(4))
        #expect(try answers.find(key(4)) != nil)
        #expect(answers.bytes <= 5_000)
        try answers.put(answer(6_000), under: key(5))
        #expect(try answers.find(key(5)) == nil)
        #expect(answers.count < 3)
    }
}
