import KraitSignatures

/// A signature of random fields, with its text.
struct RandomSignature: Sendable {
    var inputs: [(name: String, type: RandomType)]
    var outputs: [(name: String, type: RandomType)]
    let text: String

    init(_ random: inout SeededRandom) {
        var names: Set<String> = ["completed"]
        func fields(_ count: Int, _ random: inout SeededRandom) -> [(String, RandomType)] {
            (0..<count).compactMap { _ in
                let name = RandomTexts.name(&random)
                return names.insert(name).inserted ? (name, RandomType(&random)) : nil
            }
        }
        inputs = fields(1 + random.below(3), &random)
        outputs = fields(1 + random.below(3), &random)
        let sides = [inputs, outputs].map { side in
            side.map { name, type in
                if case .text = type, random.once(in: 2) { return name }
                let colon = random.pick([": ", ": ", ":", " : "])
                return name + colon + type.source(&random)
            }.joined(separator: random.pick([", ", ", ", ",", " ,\n "]))
        }
        text = sides[0] + random.pick([" -> ", " -> ", "->", "  ->\n"]) + sides[1]
    }

    /// Values for fields; one may be missing, or of another type.
    static func values(
        _ fields: [(name: String, type: RandomType)],
        _ random: inout SeededRandom,
        complete: Bool = false
    ) -> PythonDict {
        var dict = PythonDict()
        for (name, type) in fields where complete || !random.once(in: 12) {
            dict[name] = type.value(&random)
        }
        return dict
    }
}

/// What a model might answer: the outputs in an adapter's format, more or less.
enum RandomCompletion {
    static func text(
        _ adapter: String,
        _ signature: RandomSignature,
        _ random: inout SeededRandom
    ) -> String {
        let values = RandomSignature.values(
            signature.outputs,
            &random,
            complete: !random.once(in: 6)
        )
        var text =
            switch adapter {
            case "JSONAdapter": json(values, &random)
            case "XMLAdapter": xml(values, &random)
            default: chat(values, &random)
            }
        if random.once(in: 8) { text = RandomTexts.text(&random) + "\n" + text }
        if random.once(in: 8) { text += "\n" + RandomTexts.text(&random) }
        return random.once(in: 5) ? RandomTexts.mutated(text, &random) : text
    }

    private static func chat(_ values: PythonDict, _ random: inout SeededRandom) -> String {
        var parts: [String] = []
        for entry in values.entries {
            let indent = random.once(in: 15) ? random.pick([" ", "\t", "> "]) : ""
            let glue = random.pick(["\n", "\n", "\n", " ", "\n\n", ""])
            let header = "\(indent)[[ ## \(entry.key.text) ## ]]"
            parts.append(header + glue + raw(entry.value, &random))
            if random.once(in: 20) { parts.append(parts[parts.count - 1]) }
        }
        if !random.once(in: 4) { parts.append("[[ ## completed ## ]]") }
        return parts.joined(separator: random.pick(["\n\n", "\n", "\n\n"]))
    }

    /// A value as a model writes it: JSON, a Python literal, or text.
    static func raw(_ value: PythonValue, _ random: inout SeededRandom) -> String {
        if case .string(let text) = value, !random.once(in: 6) { return text }
        let json = (try? JSONText.write(value)) ?? ""
        switch random.below(10) {
        case 0: return value.representation
        case 1: return "```json\n\(json)\n```"
        case 2: return RandomTexts.broken(json, &random)
        case 3: return value.text
        case 4: return " \(json) "
        default: return json
        }
    }

    private static func json(_ values: PythonDict, _ random: inout SeededRandom) -> String {
        var dict = values
        if random.once(in: 8) { dict["extra"] = .int(1) }
        let text = (try? JSONText.write(.dict(dict))) ?? "{}"
        switch random.below(8) {
        case 0: return "```json\n\(text)\n```"
        case 1: return PythonValue.dict(dict).representation
        case 2: return RandomTexts.broken(text, &random)
        case 3: return "[\(text)]"
        default: return text
        }
    }

    private static func xml(_ values: PythonDict, _ random: inout SeededRandom) -> String {
        values.entries.map { entry in
            let name = entry.key.text
            return "<\(name)>\(element(entry.value, &random))</\(name)>"
        }.joined(separator: random.pick(["\n", "\n\n", ""]))
    }

    private static func element(_ value: PythonValue, _ random: inout SeededRandom) -> String {
        switch value {
        case .list(let items) where !random.once(in: 4):
            items.map { "<item>\(element($0, &random))</item>" }.joined()
        case .dict(let dict) where !random.once(in: 4):
            dict.entries.map { "<\($0.key.text)>\(element($0.value, &random))</\($0.key.text)>" }
                .joined()
        default:
            random.once(in: 3) ? raw(value, &random) : escaped(raw(value, &random))
        }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
