import KraitSignatures

extension ValueFailure {
    /// Ends a row for which Swift has no value: well where Python raises the same class.
    func compare(with expected: String?, _ place: String) throws(ParityStop) {
        switch self {
        case .delegated(let rule): throw .delegated(rule)
        case .raised(let exception):
            guard exception.className != expected else { return }
            throw .differs(
                ParityDifference(
                    place,
                    native: "\(exception.className): \(exception.message)",
                    python: expected ?? "no exception"
                )
            )
        }
    }
}

/// Values as texts in a prompt.
enum FormatValueCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        guard let json = row["value"], let value = PythonValue(tagged: json) else {
            throw ParityRow.malformed("a value of known kind")
        }
        if let expected = row.text("repr") {
            try ParityRow.compare("repr", value.representation, with: expected)
        }
        for (place, isTextField) in [("as_str_field", true), ("as_other_field", false)] {
            guard let expected = row[place] else { continue }
            let text: String
            do throws(ValueFailure) {
                text = try PromptValue.format(value, isTextField: isTextField)
            } catch {
                try error.compare(with: expected.dict.flatMap { ParityRow($0).errorClass }, place)
                continue
            }
            try ParityRow.compare(place, .string(text), with: expected)
        }
    }
}

/// Texts and other values as a field's type takes them.
enum ParseValueCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        guard let raw = row["raw"].flatMap(PythonValue.init(tagged:)) else {
            throw ParityRow.malformed("a raw value of known kind")
        }
        guard let type = try type(try row.required("type"), row) else { return }
        let value: PythonValue
        do throws(ValueFailure) {
            value = try ValueParser(types: []).parse(raw, as: type)
        } catch {
            return try error.compare(with: row.errorClass, "answer")
        }
        try compareAnswer(value, row)
    }

    /// The type of a signature's field of that text; nil where both sides refuse it.
    private static func type(
        _ source: String,
        _ row: ParityRow
    ) throws(ParityStop) -> TypeExpression? {
        do throws(SchemaError) {
            let schema = try Schema(parsing: "x -> y: \(source)")
            return schema.outputs.first?.type ?? .any
        } catch {
            if let rule = error.rule { throw .delegated(rule) }
            if let expected = row.errorClass, error.exception?.rawValue == expected { return nil }
            throw .differs(
                ParityDifference(
                    "type",
                    native: "\(error)",
                    python: row.errorClass ?? "a type"
                )
            )
        }
    }

    /// The value that was recorded, or none of it where Python raises.
    static func compareAnswer(_ value: PythonValue, _ row: ParityRow) throws(ParityStop) {
        guard row.flag("ok") == true, let expected = row["value"].flatMap(PythonValue.init(tagged:))
        else {
            throw .differs(
                ParityDifference(
                    "answer",
                    native: "\(value.typeName) \(value.representation)",
                    python: row.errorClass ?? "no value of a known kind"
                )
            )
        }
        try ParityRow.compare("value", value, with: expected)
    }
}

/// Texts as json_repair reads them.
enum JSONRepairCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        let text = try row.required("input")
        let value: PythonValue
        do throws(ValueFailure) {
            value = try JSONRepair.loads(text)
        } catch {
            return try error.compare(with: row.errorClass, "answer")
        }
        try ParseValueCheck.compareAnswer(value, row)
    }
}
