/// An element as Python's ElementTree has it.
struct XMLElement {
    var tag: String
    var attributes: [(name: String, value: String)] = []
    /// What stands before the first child.
    var text = ""
    var children: [XMLElement] = []
    /// What stands behind it in its parent.
    var tail = ""

    func attribute(_ name: String) -> String? {
        attributes.first { $0.name.isSame(name) }?.value
    }
}

extension XMLElement {
    /// The element as ElementTree writes it, with its tail.
    var markup: String {
        var result = "<" + tag
        for (name, value) in attributes {
            result += " \(name)=\"" + Self.escaped(value, isAttribute: true) + "\""
        }
        if text.isEmpty, children.isEmpty {
            result += " />"
        } else {
            result += ">" + Self.escaped(text, isAttribute: false)
            for child in children { result += child.markup }
            result += "</" + tag + ">"
        }
        return result + Self.escaped(tail, isAttribute: false)
    }

    private static func escaped(_ text: String, isAttribute: Bool) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): result += "&amp;".utf8
            case UInt8(ascii: "<"): result += "&lt;".utf8
            case UInt8(ascii: ">"): result += "&gt;".utf8
            case UInt8(ascii: "\"") where isAttribute: result += "&quot;".utf8
            case 0x0D where isAttribute: result += "&#13;".utf8
            case 0x0A where isAttribute: result += "&#10;".utf8
            case 0x09 where isAttribute: result += "&#09;".utf8
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
