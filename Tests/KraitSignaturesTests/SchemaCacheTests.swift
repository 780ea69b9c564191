import KraitObservability
import KraitSignatures
import Testing

@Suite(.timeLimit(.minutes(1))) struct SchemaCacheTests {
    @Test func `a text that comes again is not read again`() throws {
        let cache = SchemaCache(limit: 16)
        let first = try cache.schema(parsing: "question -> answer: int")
        let second = try cache.schema(parsing: "question -> answer: int", instructions: "")
        #expect(first == second)
        #expect(cache.figures == (2, 1))
        #expect(cache.count == 1)
    }

    @Test func `instructions, types and scalars tell schemas apart`() throws {
        let cache = SchemaCache(limit: 64)
        let plain = try cache.schema(parsing: "a -> b")
        let given = try cache.schema(parsing: "a -> b", instructions: "Do it.")
        #expect(plain.instructions != given.instructions)
        let types = [TypeDeclaration("Color", .known)]
        let declared = try cache.schema(parsing: "a -> b: Color", types: types)
        #expect(declared.delegationRules.isEmpty)
        #expect(throws: SchemaError.self) { try cache.schema(parsing: "a -> b: Color") }
        // Canonically equal to Swift, two literals to Python.
        let composed = try cache.schema(parsing: "a: Literal['\u{E9}'] -> b")
        let decomposed = try cache.schema(parsing: "a: Literal['e\u{301}'] -> b")
        let names = [composed, decomposed].map { Array($0.inputs[0].type.name.unicodeScalars) }
        #expect(names[0] != names[1])
    }

    @Test func `it holds no more than its limit, and what was asked for lately`() throws {
        let cache = SchemaCache(limit: 4)
        #expect(cache.limit == 4)
        for number in 0..<100 {
            _ = try cache.schema(parsing: "a\(number) -> b")
            _ = try cache.schema(parsing: "kept -> b")
        }
        #expect(cache.count == 4)
        #expect(cache.figures.hits == 99)
        #expect(SchemaCache(limit: 0).limit == 4)
        #expect(SchemaCache(limit: 1_000).limit == 1_024)
    }

    @Test func `a refused text takes no place and is refused again`() {
        let cache = SchemaCache(limit: 4)
        for _ in 0..<2 {
            #expect(throws: SchemaError.self) { try cache.schema(parsing: "no arrow") }
        }
        #expect(cache.count == 0)
    }

    @Test func `many threads may ask at once`() async throws {
        let cache = SchemaCache(limit: 8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in 0..<8 {
                group.addTask {
                    for number in 0..<500 {
                        let name = "n\((start + number) % 24)"
                        let schema = try cache.schema(parsing: "\(name) -> b")
                        #expect(schema.inputs[0].name == name)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(cache.count <= cache.limit)
        #expect(cache.figures.questions == 4_000)
    }

    enum Counted {
        static let derivations = Lock(0)
    }

    struct Once: Signature {
        struct Input: Codable, Sendable { var text: String }
        struct Output: Codable, Sendable { var text2: String }
        static var notes: FieldNotes {
            Counted.derivations.withLock { $0 += 1 }
            return FieldNotes()
        }
    }

    @Test func `the schema of a Swift type is derived once`() throws {
        for _ in 0..<5 { #expect(try Schema(of: Once.self).signature == "text -> text2") }
        #expect(Counted.derivations.withLock { $0 } == 1)
    }
}
