import KraitSignatures

/// A message of a conversation, in the shape of OpenAI's chat API.
package struct Message: Sendable {
    /// Who speaks.
    package var role: Role
    /// What is said.
    package var content: Content
    /// The calls that an assistant makes; nil where that is no question.
    package var toolCalls: [PythonValue]?
    /// The call that a tool answers, and the tool's name.
    package var answered: (id: PythonValue, name: PythonValue)?

    /// Who speaks.
    package enum Role: String, Sendable {
        case system, user, assistant, tool
    }

    /// What is said.
    package enum Content: Sendable {
        case text(String)
        /// Text, images, files and other parts in order, each a dict with its `type`.
        case parts([PythonValue])
        /// Nothing, beside calls.
        case none
    }

    /// A message of text.
    package init(_ role: Role, _ text: String) {
        self.init(role, .text(text))
    }

    init(_ role: Role, _ content: Content, toolCalls: [PythonValue]? = nil) {
        self.role = role
        self.content = content
        self.toolCalls = toolCalls
    }

    /// The message as the dict that DSPy makes, keys in its order.
    package var value: PythonValue {
        var entries: [(PythonValue, PythonValue)] = [
            (.string("role"), .string(role.rawValue))
        ]
        let said: PythonValue =
            switch content {
            case .text(let text): .string(text)
            case .parts(let parts): .list(parts)
            case .none: .none
            }
        if let answered {
            entries.append((.string("tool_call_id"), answered.id))
            entries.append((.string("name"), answered.name))
        }
        entries.append((.string("content"), said))
        if let toolCalls { entries.append((.string("tool_calls"), .list(toolCalls))) }
        return .dict(PythonDict(uniqueEntries: entries))
    }
}
