import KraitPrompts
import KraitSignatures
import KraitWire

/// The text of a message; nil for parts and for nothing.
extension Message {
    var text: String? { if case .text(let text) = content { text } else { nil } }
    var parts: [PythonValue]? { if case .parts(let parts) = content { parts } else { nil } }
}

func messages(
    _ adapter: PromptAdapter,
    _ text: String,
    demos: [ValueMap] = [],
    _ inputs: ValueMap,
    instructions: String? = nil
) throws -> [Message] {
    try adapter.format(
        Schema(parsing: text, instructions: instructions),
        demos: demos,
        inputs: inputs
    )
}

func fields(_ adapter: PromptAdapter, _ text: String, _ completion: String) throws -> PythonDict {
    try adapter.parse(Schema(parsing: text), completion)
}

func unparsable(_ adapter: PromptAdapter, _ text: String, _ completion: String)
    -> UnparsableCompletion?
{
    do {
        _ = try fields(adapter, text, completion)
        return nil
    } catch PromptError.unparsable(let completion) {
        return completion
    } catch {
        return nil
    }
}
