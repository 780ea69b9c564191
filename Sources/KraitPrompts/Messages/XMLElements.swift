import KraitSignatures

/// Values as XMLAdapter writes them into nested elements.
enum XMLElements {
    private static let depthLimit = 200

    /// A value that JSON can hold, as an element of this name.
    static func write(_ value: PythonValue, tag: String) throws(PromptError) -> String {
        var text = ""
        try write(value, tag: tag, key: nil, depth: 0, into: &text)
        return text
    }

    private static func write(
        _ value: PythonValue,
        tag: String,
        key: String?,
        depth: Int,
        into text: inout String
    ) throws(PromptError) {
        guard depth < depthLimit else { throw .delegated(.depth) }
        text += "<" + tag
        if let key { text += " key=" + XMLEscape.attribute(key) }
        switch value {
        case .none:
            text += " />"
            return
        case .list(let items):
            if items.isEmpty {
                text += " />"
                return
            }
            text += ">"
            for item in items {
                try write(item, tag: "item", key: nil, depth: depth + 1, into: &text)
            }
        case .dict(let dict):
            text += ">"
            for (key, child) in dict.entries {
                let name = key.text
                let isTag = isTag(name)
                try write(
                    child,
                    tag: isTag ? name : "entry",
                    key: isTag ? nil : name,
                    depth: depth + 1,
                    into: &text
                )
            }
        default: text += ">" + XMLEscape.text(value.text)
        }
        text += "</" + tag + ">"
    }

    /// Whether a key can be a tag: an identifier of Python's, with `-` and `.` allowed inside.
    private static func isTag(_ name: String) -> Bool {
        var isFirst = true
        for scalar in name.unicodeScalars {
            let fits =
                isFirst
                ? scalar == "_" || scalar.properties.isXIDStart
                : scalar == "-" || scalar == "." || scalar.properties.isXIDContinue
            if !fits { return false }
            isFirst = false
        }
        return !isFirst
    }
}
