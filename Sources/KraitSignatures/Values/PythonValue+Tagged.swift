extension PythonValue {
    /// A value from JSON in which what JSON lacks is tagged, as recorded answers have it:
    /// `{"$py": "tuple", "items": […]}`.
    ///
    /// Nil where a tag is not known or lacks a part.
    package init?(tagged json: PythonValue) {
        switch json {
        case .list(let items):
            guard let values = Self.untagged(items) else { return nil }
            self = .list(values)
        case .dict(let dict):
            guard let tag = dict["$py"]?.string else {
                var result = PythonDict()
                for entry in dict.entries {
                    guard let value = PythonValue(tagged: entry.value) else { return nil }
                    result[entry.key] = value
                }
                self = .dict(result)
                return
            }
            guard let value = Self.tagged(tag, dict) else { return nil }
            self = value
        default: self = json
        }
    }

    private static func untagged(_ items: [PythonValue]) -> [PythonValue]? {
        let values = items.compactMap(PythonValue.init(tagged:))
        return values.count == items.count ? values : nil
    }

    private static func tagged(_ tag: String, _ dict: PythonDict) -> PythonValue? {
        switch tag {
        case "tuple", "set", "frozenset":
            guard let items = dict["items"]?.list, let values = untagged(items) else { return nil }
            return tag == "tuple"
                ? .tuple(values) : tag == "set" ? .set(values) : .frozenset(values)
        case "dict":
            guard let items = dict["items"]?.list else { return nil }
            var result = PythonDict()
            for item in items {
                guard let pair = item.list, pair.count == 2, let key = PythonValue(tagged: pair[0]),
                    let value = PythonValue(tagged: pair[1])
                else { return nil }
                result[key] = value
            }
            return .dict(result)
        case "float":
            return dict["value"]?.string.flatMap(Double.init).map(PythonValue.float)
        case "enum":
            guard let type = dict["type"]?.string, let name = dict["name"]?.string,
                let value = dict["value"].flatMap(PythonValue.init(tagged:))
            else { return nil }
            return .object(.enumMember(of: type, name: name, value: value))
        default: return instance(dict)
        }
    }

    /// An object by its class, its JSON and either its text or its fields.
    private static func instance(_ dict: PythonDict) -> PythonValue? {
        guard let className = dict["class"]?.string, let json = dict["json"] else { return nil }
        // DSPy's types for media print what they are in a prompt.
        let printsJSON = ["Image", "Audio", "File", "Reasoning", "Tool"].contains(className)
        let text = dict["str"]?.string ?? (printsJSON ? json.string : nil)
        if ["bytes", "complex", "ellipsis"].contains(className), let text {
            if className == "ellipsis" { return .ellipsis }
            let value = try? PythonLiteral.read(text)
            // `repr` shows a real part of minus zero, so that `-2j` has none.
            if case .complex(0, let part)? = value, !text.utf8.starts(with: "(".utf8) {
                return .complex(real: 0, imaginary: part)
            }
            return value
        }
        var fields: PythonDict?
        if let recorded = dict["fields"]?.dict {
            guard case .dict(let values)? = PythonValue(tagged: .dict(recorded)) else { return nil }
            fields = values
        }
        let isTime = className == "datetime"
        return .object(
            PythonInstance(
                className: className,
                json: json,
                text: text,
                representation: isTime ? text.flatMap(PythonText.datetime) : nil,
                fields: fields
            )
        )
    }
}

extension PythonText {
    /// `repr` of a `datetime` without a zone from its `str`: nil for one with a zone.
    static func datetime(_ text: String) -> String? {
        let parts = text.split { !$0.isNumber }
        guard text.utf8.allSatisfy({ Ascii.isDigit($0) || "- :.".utf8.contains($0) }),
            (6...7).contains(parts.count)
        else { return nil }
        var numbers = parts.compactMap { Int($0) }
        if numbers.count == 6, numbers[5] == 0 { numbers.removeLast() }
        return "datetime.datetime(" + numbers.map(String.init).joined(separator: ", ") + ")"
    }
}
