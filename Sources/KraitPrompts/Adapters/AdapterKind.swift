/// DSPy's three ways to put fields into messages and to find them in a completion.
public enum AdapterKind: String, Sendable, Hashable, CaseIterable {
    /// Sections under `[[ ## name ## ]]` headers.
    case chat = "ChatAdapter"
    /// Inputs as in `chat`, outputs as one JSON object.
    case json = "JSONAdapter"
    /// Every field in a tag of its name.
    case xml = "XMLAdapter"
}
