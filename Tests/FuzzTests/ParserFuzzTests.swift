import KraitPrompts
import KraitSignatures
import KraitWire
import Testing

/// Every string is legal input to the parsers: each gives an answer or a typed error, soon.
@Suite struct ParserFuzzTests {
    @Test(arguments: FuzzRun.parts)
    func `any text is a signature or is refused with a place inside it`(part: UInt64) {
        FuzzRun.each(part, .signatures) { text in
            do throws(SchemaError) {
                let schema = try Schema(parsing: text)
                #expect(throws: Never.self) { try Schema(parsing: schema.text) }
            } catch {
                let end = (error.place?.scalarOffset ?? 0) + (error.place?.length ?? 0)
                #expect(end <= text.unicodeScalars.count)
                #expect(error.exception != nil || error.rule != nil)
            }
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any text is repaired, refused or left to Python`(part: UInt64) {
        FuzzRun.each(part, .json) { text in
            do throws(ValueFailure) {
                _ = try JSONRepair.loads(text).text
            } catch {
                expectNamed(error)
            }
        }
    }

    static let types = [
        "int", "float", "bool", "str", "list[int]", "dict[str, float]", "tuple[int, str]",
        "set[int]",
        "int | None", "Union[int, str]", "Literal['a', 2, None]", "list[dict[str, Optional[bool]]]",
    ]

    @Test(arguments: FuzzRun.parts)
    func `any text is a value of a type, is refused or left to Python`(part: UInt64) throws {
        let text = Self.types.enumerated().map { "f\($0.offset): \($0.element)" }
        let fields = try Schema(parsing: "q -> \(text.joined(separator: ", "))").outputs
        var turn = 0
        FuzzRun.each(part, .json) { text in
            turn += 1
            let field = fields[turn % fields.count]
            do throws(ValueFailure) {
                let value = try ValueParser().parse(.string(text), as: field.type)
                // What it gave is a value of the type, and has a text.
                _ = try PromptValue.format(value, as: field.type)
                // A text would be read a second time: `"[]"` is `[]`, which is no text.
                guard value.string == nil else { return }
                #expect(throws: Never.self) { try ValueParser().parse(value, as: field.type) }
            } catch {
                expectNamed(error)
            }
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `any completion has the fields, is refused or left to Python`(part: UInt64) throws {
        let schema = try Schema(parsing: "question -> reasoning, answer: str, count: int")
        let adapters = [PromptAdapter.chat, .json, .xml]
        var turn = 0
        FuzzRun.each(part, .completions) { text in
            turn += 1
            let adapter = adapters[turn % adapters.count]
            do throws(PromptError) {
                let fields = try adapter.parse(schema, text)
                #expect(fields.keys.map(\.text) == ["reasoning", "answer", "count"])
            } catch {
                if case .unparsable(let why) = error { #expect(!why.message.isEmpty) }
            }
        }
    }

    @Test(arguments: FuzzRun.parts)
    func `no input gets past the strict option with a header of its own`(part: UInt64) throws {
        let schema = try Schema(parsing: "question -> reasoning, answer: str, count: int")
        let adapter = PromptAdapter(.chat, isStrict: true)
        FuzzRun.each(part, .completions) { text in
            let inputs: ValueMap = ["question": .string(text)]
            guard let messages = try? adapter.format(schema, inputs: inputs),
                case .text(let request)? = messages.last?.content
            else { return }
            let headers = request.utf8.split(separator: UInt8(ascii: "\n")).filter { line in
                line.drop { $0 == UInt8(ascii: " ") }.starts(with: "[[ ## answer ## ]]".utf8)
            }
            #expect(headers.isEmpty, "\(text)")
        }
    }

    static let values: ValueMap = [
        "a": 1, "b": "two", "c": .null, "xs": [3, "x", 1.5, ["k": 1]],
        "m": ["k": ["v": "<é>"], "n": [1, 2]],
    ]

    @Test(arguments: FuzzRun.parts)
    func `any text is a template that renders within its limits, or an error in its lines`(
        part: UInt64
    ) {
        var options = TemplateOptions()
        options.limits.outputBytes = 1 << 16
        options.limits.repetitions = 10_000
        FuzzRun.each(part, .templates) { text in
            do throws(TemplateError) {
                let template = try TextTemplate(parsing: text, options: options)
                #expect(try template.render(Self.values).utf8.count <= 1 << 16)
            } catch {
                #expect(!error.reason.isEmpty && error.line >= 1)
            }
        }
    }

    private func expectNamed(_ failure: ValueFailure) {
        if case .raised(let exception) = failure { #expect(!exception.className.isEmpty) }
    }
}
