/// A piece of a template's text.
struct TemplateToken: Sendable {
    enum Kind: UInt8, Sendable {
        case data, variableBegin, variableEnd, blockBegin, blockEnd
        case name, string, integer, float, symbol, end
    }

    var kind: Kind
    /// The text: of data as it is printed, of a string what it stands for.
    var text: String
    var position: TemplatePosition

    /// What to call it in a message.
    var described: String {
        switch kind {
        case .data: "text"
        case .variableBegin: "{{"
        case .variableEnd: "}}"
        case .blockBegin: "{%"
        case .blockEnd: "%}"
        case .name, .symbol: String(text.prefix(40))
        case .string: "a string"
        case .integer, .float: "a number"
        case .end: "the end of the template"
        }
    }

    func isName(_ name: String) -> Bool { kind == .name && text == name }
    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
}
