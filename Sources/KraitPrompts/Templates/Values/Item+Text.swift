import KraitSignatures
import KraitWire

/// Items as Python prints them.
extension Item {
    /// Appends what `str` gives.
    func append(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        switch self {
        case .text(let text), .markup(let text): bytes.append(contentsOf: text.utf8)
        case .int(let integer): bytes.append(contentsOf: String(integer).utf8)
        case .undefined(let missing):
            guard rendering.undefinedNames == .lenient else { throw missing.failure }
        case .timestamp(let time):
            bytes.append(contentsOf: CalendarText.text(time).utf8)
        default: try appendRepresentation(to: &bytes, &rendering)
        }
    }

    /// Appends what `repr` gives.
    func appendRepresentation(
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        switch self {
        case .absent, .undefined: bytes.append(contentsOf: "Undefined".utf8)
        case .none: bytes.append(contentsOf: "None".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "True" : "False").utf8)
        case .int(let integer): bytes.append(contentsOf: String(integer).utf8)
        case .unsigned(let integer): bytes.append(contentsOf: String(integer).utf8)
        case .double(let number): bytes.append(contentsOf: PythonText.float(number).utf8)
        case .text(let text): bytes.append(contentsOf: PythonText.string(text).utf8)
        case .markup(let text):
            bytes.append(contentsOf: "Markup(\(PythonText.string(text)))".utf8)
        case .bytes(let content): bytes.append(contentsOf: PythonText.bytes(content).utf8)
        case .timestamp(let time):
            bytes.append(contentsOf: CalendarText.representation(time).utf8)
        case .values(let values):
            try Self.append(values.lazy.map(Item.init), "[", "]", to: &bytes, &rendering)
        case .list(let elements):
            try Self.append(elements.items, "[", "]", to: &bytes, &rendering)
        case .tuple(let elements):
            let end = elements.items.count == 1 ? ",)" : ")"
            try Self.append(elements.items, "(", end, to: &bytes, &rendering)
        case .fields(let map):
            let pairs = map.entries.lazy.map { (Item.text($0.key), Item($0.value)) }
            try Self.append(pairs: pairs, to: &bytes, &rendering)
        case .dict(let dict):
            try Self.append(pairs: zip(dict.keys, dict.values), to: &bytes, &rendering)
        case .object(let object):
            try rendering.deeper { rendering throws(TemplateError) in
                try object.appendRepresentation(to: &bytes, &rendering)
            }
        }
    }

    private static func append(
        _ items: some Sequence<Item>,
        _ begin: String,
        _ end: String,
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        bytes.append(contentsOf: begin.utf8)
        var isFirst = true
        for item in items {
            if !isFirst { bytes.append(contentsOf: ", ".utf8) }
            isFirst = false
            try item.appendRepresentation(to: &bytes, &rendering)
            try rendering.check(length: bytes.count)
        }
        bytes.append(contentsOf: end.utf8)
    }

    private static func append(
        pairs: some Sequence<(Item, Item)>,
        to bytes: inout [UInt8],
        _ rendering: inout Rendering
    ) throws(TemplateError) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in pairs {
            if !isFirst { bytes.append(contentsOf: ", ".utf8) }
            isFirst = false
            try key.appendRepresentation(to: &bytes, &rendering)
            bytes.append(contentsOf: ": ".utf8)
            try value.appendRepresentation(to: &bytes, &rendering)
            try rendering.check(length: bytes.count)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// What `str` gives.
    func printed(_ rendering: inout Rendering) throws(TemplateError) -> String {
        if let string { return string }
        var bytes: [UInt8] = []
        try append(to: &bytes, &rendering)
        return try rendering.text(bytes)
    }

    /// What `repr` gives.
    func representation(_ rendering: inout Rendering) throws(TemplateError) -> String {
        var bytes: [UInt8] = []
        try appendRepresentation(to: &bytes, &rendering)
        return try rendering.text(bytes)
    }
}

extension Missing {
    /// The error of using it.
    var failure: TemplateError {
        var error = TemplateError(.undefined, reason)
        error.missingName = name
        return error
    }
}

/// Points in time as Python's `datetime` prints them, in UTC.
enum CalendarText {
    private static func parts(
        _ time: Timestamp
    ) -> (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        var days = Int(time.seconds) / 86_400
        var rest = Int(time.seconds) % 86_400
        if rest < 0 { (days, rest) = (days - 1, rest + 86_400) }
        // Years that begin in March put the leap day last; an era is 400 years.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * part + 2) / 5 + 1
        return (year, month, day, rest / 3_600, rest / 60 % 60, rest % 60)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    static func text(_ time: Timestamp) -> String {
        let parts = parts(time)
        let date = "\(padded(parts.year, 4))-\(padded(parts.month, 2))-\(padded(parts.day, 2))"
        let clock =
            "\(padded(parts.hour, 2)):\(padded(parts.minute, 2)):\(padded(parts.second, 2))"
        let micros = Int(time.nanoseconds) / 1_000
        return "\(date) \(clock)\(micros == 0 ? "" : "." + padded(micros, 6))+00:00"
    }

    static func representation(_ time: Timestamp) -> String {
        let parts = parts(time)
        var numbers = [parts.year, parts.month, parts.day, parts.hour, parts.minute]
        let micros = Int(time.nanoseconds) / 1_000
        if parts.second != 0 || micros != 0 { numbers.append(parts.second) }
        if micros != 0 { numbers.append(micros) }
        let list = numbers.map(String.init).joined(separator: ", ")
        return "datetime.datetime(\(list), tzinfo=datetime.timezone.utc)"
    }
}
