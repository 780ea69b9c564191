import KraitRouting
import KraitSignatures
import KraitWire
import Testing

private struct Polish: Signature {
    struct Input: Codable, Sendable { var reply: String }
    struct Output: Codable, Sendable {
        var reply: String
        var score: Double
    }
}

/// Another type of the same last name.
private enum Other {
    struct Polish: Signature {
        struct Input: Codable, Sendable { var reply: String }
        struct Output: Codable, Sendable { var reply: String }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct NativeSignatureTests {
    private struct Upset: Error {}

    private static func router(
        _ body: @escaping @Sendable (Polish.Input) async throws -> Polish.Output
    ) throws -> Router {
        let registry = try Registry(
            natives: [Registry.Native(Polish.self, body)],
            pools: [.mirror("general", ["predict"])]
        )
        return Router(registry: registry)
    }

    private static func call(_ inputs: Value?) -> Call {
        var arguments: ValueMap = ["signature": "reply -> reply"]
        arguments["inputs"] = inputs
        return Call(Polish.operation("predict"), arguments)
    }

    @Test func `a closure over a signature's types answers its predictions`() async throws {
        let router = try Self.router { .init(reply: $0.reply.lowercased(), score: 1) }
        let reply = try await router.call(Self.call(["reply": "HELLO"]))
        #expect(reply.source == .native)
        #expect(reply.value == ["outputs": ["reply": "hello", "score": 1.0]])
    }

    @Test func `another signature of the same last name goes elsewhere`() async throws {
        let router = try Self.router { _ in throw Upset() }
        let call = Call(Other.Polish.operation("predict"))
        let reply = try await router.call(call)
        #expect(reply.value["operation"] == "predict")
        #expect(reply.source == .pool("general", worker: "general/1.1", codec: .messagePack))
    }

    @Test(
        arguments: [
            (nil, "The call has no map `inputs` among its arguments."),
            (["text"], "The call has no map `inputs` among its arguments."),
            (["replay": "x"], "reply"), (["reply": 1], "reply"),
        ] as [(Value?, String)]
    )
    func `inputs that do not fit are refused with their field`(
        _ inputs: Value?,
        _ message: String
    ) async throws {
        let router = try Self.router { .init(reply: $0.reply, score: 0) }
        let error = await #expect(throws: CallError.self) {
            try await router.call(Self.call(inputs))
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains(message) == true, "\(error as Any)")
        #expect(error?.operation == Polish.operation("predict"))
    }

    @Test func `what the closure throws is a fault`() async throws {
        let router = try Self.router { _ in throw Upset() }
        let error = await #expect(throws: CallError.self) {
            try await router.call(Self.call(["reply": "x"]))
        }
        #expect(error?.code == .faulted)
        #expect(error?.fault?.type.hasSuffix("Upset") == true)
        #expect(error?.pool == nil)
    }

    @Test func `outputs that cannot be carried are invalid`() async throws {
        struct Listed: Signature {
            struct Input: Codable, Sendable { var x: Int }
            typealias Output = [Int]
            static var schema: Schema { get throws(SchemaError) { try Schema(parsing: "x -> y") } }
        }
        let registry = try Registry(natives: [Registry.Native(Listed.self) { [$0.x] }])
        let call = Call(Listed.operation("predict"), ["inputs": ["x": 1]])
        let error = await #expect(throws: CallError.self) {
            try await Router(registry: registry).call(call)
        }
        #expect(error?.code == .invalidOutput)
        #expect(error?.delivery == .sent)
    }
}
