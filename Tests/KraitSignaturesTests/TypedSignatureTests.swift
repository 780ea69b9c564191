import Foundation
import KraitSignatures
import KraitWire
import Testing

enum Urgency: String, Codable, CaseIterable, Sendable { case low, high = "very high" }
enum Level: Int, Codable, CaseIterable, Sendable { case one = 1, two }
enum Balance: Int, Codable, CaseIterable, Sendable { case below = -1, even = 0 }

struct Author: Codable, Sendable, Equatable {
    var name: String
    var aliases: [String]?
    var parent: [Author]
}

/// A type around one value.
struct Identifier: Codable, Sendable, Hashable {
    var text: String
    init(_ text: String) { self.text = text }
    init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

struct Triage: Signature {
    static let instructions = "Sort a support message and draft a reply."
    struct Input: Codable, Sendable {
        var message: String
        var author: Author
        var sentAt: Date?
    }
    struct Output: Codable, Sendable {
        var urgency: Urgency
        var reply: String
        var isUrgent: Bool { urgency == .high }
    }
    static let notes: FieldNotes = [
        \Output.reply: "At most three sentences.", \Input.author.name: "As it signs.",
    ]
}

@Suite struct TypedSignatureTests {
    struct Everything: Signature {
        struct Input: Codable, Sendable {
            var text: String
            var flag: Bool
            var number: Int
            var small: UInt8
            var ratio: Double
            var part: Float
            var bytes: Data
            var raw: [UInt8]
            var when: Date
            var identity: UUID
            var key: Identifier
            var list: [Int]
            var nested: [[String: Double?]]
            var unique: Set<String>
            var maybe: Int?
            var urgency: Urgency
            var level: Level?
            var balance: Balance
            var author: Author
            var authors: [String: Author]
        }
        struct Output: Codable, Sendable {}
    }

    @Test func `Swift types become DSPy's`() throws {
        let schema = try Schema(of: Everything.self)
        let types = schema.inputs.map { "\($0.name): \($0.type.name)" }
        #expect(
            types == [
                "text: str", "flag: bool", "number: int", "small: int", "ratio: float",
                "part: float", "bytes: bytes", "raw: bytes", "when: datetime.datetime",
                "identity: str", "key: str", "list: list[int]",
                "nested: list[dict[str, Union[float, NoneType]]]", "unique: list[str]",
                "maybe: Union[int, NoneType]", "urgency: Literal['low', 'very high']",
                "level: Union[Literal[1, 2], NoneType]", "balance: Balance", "author: Author",
                "authors: dict[str, Author]",
            ]
        )
        #expect(schema.outputs.isEmpty)
        #expect(schema.delegationRules == [.module])
        #expect(
            schema.types == [
                .enumeration("Balance", [.init("below", value: -1), .init("even", value: 0)]),
                .model(
                    "Author",
                    [
                        .init("name", type: "str"),
                        .init("aliases", type: "Union[list[str], None]"),
                        .init("parent", type: "list[Author]"),
                    ]
                ),
            ]
        )
    }

    @Test func `instructions and notes come with the type`() throws {
        let schema = try Schema(of: Triage.self)
        #expect(schema.signature == "message, author, sentAt -> urgency, reply")
        #expect(schema.instructions == "Sort a support message and draft a reply.")
        #expect(schema.field("reply")?.description == "At most three sentences.")
        #expect(schema.field("sentAt")?.prefix == "Sent At:")
        #expect(schema.field("urgency")?.isDescribed == false)
        let types = schema.wireValue["types"]
        #expect(types?["Author"]?["fields"]?.list?[0] == ["name", "str", "As it signs."])
        #expect(schema.wireValue["fields"] == ["reply": ["desc": "At most three sentences."]])
        let standard = try Schema(of: Everything.self).instructions
        #expect(standard.hasPrefix("Given the fields `text`, `flag`"))
    }

    @Test func `values go there and back`() throws {
        let schema = try Schema(of: Triage.self)
        let author = Author(name: "Ada", aliases: nil, parent: [])
        let input = Triage.Input(message: "It broke.", author: author, sentAt: nil)
        let map = try schema.encode(input, as: .input)
        try schema.validate(inputs: map)
        let back = try schema.decode(Triage.Input.self, from: map, as: .input)
        #expect(back.author == author)
        let outputs: ValueMap = ["urgency": "very high", "reply": "Sorry."]
        #expect(try schema.decode(Triage.Output.self, from: outputs, as: .output).isUrgent)
    }

    @Test func `values that do not fit are refused with their place`() throws {
        let schema = try Schema(of: Triage.self)
        let outputs: ValueMap = ["urgency": "hunter2", "reply": "Sorry."]
        let error = try #require(throws: SchemaError.self) {
            try schema.decode(Triage.Output.self, from: outputs, as: .output)
        }
        #expect(error.path == "urgency")
        #expect(!error.description.contains("hunter2"))
        #expect(throws: SchemaError.self) { try schema.encode([1], as: .input) }
        #expect(throws: SchemaError.self) { try schema.encode(Stubborn(), as: .input) }
        #expect(throws: SchemaError.self) {
            try schema.decode(Stubborn.self, from: [:], as: .output)
        }
    }

    @Test func `types of one name are told apart, and none hides DSPy's words`() throws {
        enum First {
            struct Item: Codable, Sendable { var a: Int }
            struct Union: Codable, Sendable { var b: Int? }
        }
        enum Second {
            struct Item: Codable, Sendable { var c: String }
        }
        struct Names: Signature {
            struct Input: Codable, Sendable {
                var one: First.Item
                var two: Second.Item
                var three: First.Union
                var four: Box<Int>
            }
            struct Output: Codable, Sendable { var again: [First.Item] }
        }
        let schema = try Schema(of: Names.self)
        #expect(schema.types.map(\.name) == ["Item", "Item2", "Union2", "Box_Int_"])
        #expect(schema.outputs[0].type == .list(of: .declared("Item")))
    }

    @Test func `a signature may give its own schema`() throws {
        struct Own: Signature {
            struct Input: Codable, Sendable { var strict: Stubborn }
            struct Output: Codable, Sendable { var answer: String }
            static var schema: Schema {
                get throws(SchemaError) { try Schema(parsing: "strict: str -> answer") }
            }
        }
        #expect(try Schema(of: Own.self).signature == "strict -> answer")
    }
}

struct Box<T: Codable & Sendable>: Codable, Sendable { var value: T }

/// Refuses to be made of anything.
struct Stubborn: Codable, Sendable {
    struct Refusal: Error {}
    init() {}
    init(from decoder: any Decoder) throws { throw Refusal() }
    func encode(to encoder: any Encoder) throws { throw Refusal() }
}

enum Shape: Codable, Sendable { case circle(Double), square(Double) }
enum Bare: String, Codable, Sendable { case only }
enum Plain: CaseIterable, Codable, Sendable { case left, right }
enum Nothing: String, Codable, CaseIterable, Sendable {
    case never
    static let allCases: [Nothing] = []
}
final class Loop: Codable, Sendable { let next: Loop }
struct ByHand: Codable, Sendable {
    var list: [Int]
    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        list = [try container.decode(Int.self)]
    }
}
struct Keyed<Value: Codable & Sendable>: Signature {
    struct Input: Codable, Sendable { var value: Value }
    struct Output: Codable, Sendable { var answer: String }
}

@Suite struct UnsupportedTypeTests {
    func refusal<T: Codable & Sendable>(of type: T.Type) throws -> SchemaError {
        try #require(throws: SchemaError.self) { try Schema(of: Keyed<T>.self) }
    }

    @Test func `types that say nothing about themselves are refused with a remedy`() throws {
        for error in [
            try refusal(of: Stubborn.self), try refusal(of: Shape.self), try refusal(of: Bare.self),
            try refusal(of: Plain.self), try refusal(of: Nothing.self), try refusal(of: Loop.self),
            try refusal(of: ByHand.self), try refusal(of: [Int: String].self),
        ] {
            #expect(error.code == .unsupportedSwiftType)
            #expect(error.remedy?.contains("static var schema") ?? false)
        }
        #expect(try refusal(of: Stubborn.self).reason.contains("Stubborn"))
    }

    @Test func `more types than a worker takes are refused`() throws {
        func nested<T: Codable & Sendable>(_ type: T.Type, _ depth: Int) throws -> SchemaError? {
            if depth > 0 { return try nested(Box<T>.self, depth - 1) }
            do {
                _ = try Schema(of: Keyed<T>.self)
                return nil
            } catch {
                return error
            }
        }
        #expect(try nested(Int.self, 50) == nil)
        #expect(try nested(Int.self, 70)?.code == .unsupportedSwiftType)
    }

    @Test func `a side that is no struct is refused`() throws {
        struct Text: Signature {
            typealias Input = String
            struct Output: Codable, Sendable { var answer: String }
        }
        let error = try #require(throws: SchemaError.self) { try Schema(of: Text.self) }
        #expect(error.code == .unsupportedSwiftType)
    }

    @Test func `names that DSPy refuses are refused`() throws {
        struct Named: Signature {
            struct Input: Codable, Sendable { var `class`: String }
            struct Output: Codable, Sendable { var instructions: String }
        }
        #expect(throws: SchemaError.self) { try Schema(of: Named.self) }
        struct Both: Signature {
            struct Input: Codable, Sendable { var text: String }
            struct Output: Codable, Sendable { var text: String }
        }
        let error = try #require(throws: SchemaError.self) { try Schema(of: Both.self) }
        #expect(error.code == .duplicateField)
    }

    @Test func `a note that describes nothing is refused`() throws {
        struct Renamed: Codable, Sendable {
            var text: String
            enum CodingKeys: String, CodingKey { case text = "body" }
            var length: Int { text.count }
        }
        struct Inner: Codable, Sendable { var deep: String }
        struct Note<Input: Codable & Sendable>: Signature {
            struct Output: Codable, Sendable {
                var answer: String
                var inner: Inner?
            }
            static var notes: FieldNotes { NotesUnderTest.current }
        }
        for notes: FieldNotes in [
            [\Renamed.text: "x"], [\Renamed.length: "x"], [\Inner.deep: "x"],
            [\Note<Renamed>.Output.inner?.deep: "x"],
        ] {
            let error = try #require(throws: SchemaError.self) {
                try NotesUnderTest.$current.withValue(notes) { try Schema(of: Note<Renamed>.self) }
            }
            #expect(error.code == .unknownNote)
        }
    }
}

enum NotesUnderTest {
    @TaskLocal static var current = FieldNotes()
}
