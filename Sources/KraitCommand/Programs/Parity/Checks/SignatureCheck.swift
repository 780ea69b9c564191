import KraitPrompts
import KraitSignatures

/// Signature texts: fields, instructions and saved state, or the exception.
enum SignatureCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        let text = try row.required("signature")
        try compare(text, row)
        if let custom = row.row("with_custom_types") {
            let names = (custom["names"]?.list ?? []).compactMap(\.string)
            try compare(text, custom, types: names.map { TypeDeclaration($0, .known) })
        }
        for given in row.rows("with_instructions") where given.flag("ok") == true {
            let schema = try parse(text, instructions: given.text("given"))
            let place = "instructions of \(given["given"]?.representation ?? "")"
            try ParityRow.compare(place, schema.instructions, with: given.text("instructions"))
        }
    }

    private static func compare(
        _ text: String,
        _ answer: ParityRow,
        types: [TypeDeclaration] = []
    ) throws(ParityStop) {
        let schema: Schema
        do throws(SchemaError) {
            schema = try Schema(parsing: text, types: types)
        } catch {
            return try compare(error, with: answer)
        }
        if let rule = schema.delegationRules.first { throw .delegated(rule) }
        guard answer.flag("ok") == true else {
            throw .differs(
                ParityDifference(
                    "answer",
                    native: "accepted: \(schema.signature)",
                    python: "\(answer.errorClass ?? "?"): \(message(answer))"
                )
            )
        }
        try compare(schema, with: answer)
    }

    private static func parse(_ text: String, instructions: String?) throws(ParityStop) -> Schema {
        do throws(SchemaError) {
            return try Schema(parsing: text, instructions: instructions)
        } catch {
            if let rule = error.rule { throw .delegated(rule) }
            throw .differs(ParityDifference("answer", native: "\(error)", python: "accepted"))
        }
    }

    private static func message(_ answer: ParityRow) -> String {
        answer.row("error")?.text("message") ?? ""
    }

    /// An exception is the same by its class and by the names it is about.
    private static func compare(
        _ error: SchemaError,
        with answer: ParityRow
    ) throws(ParityStop) {
        if let rule = error.rule { throw .delegated(rule) }
        guard let expected = answer.errorClass else {
            throw .differs(
                ParityDifference(
                    "answer",
                    native: "\(error)",
                    python: "accepted: \(answer.text("signature_str") ?? "")"
                )
            )
        }
        try ParityRow.compare("exception", error.exception?.rawValue ?? "none", with: expected)
        guard let name = namedIn(message(answer)) else { return }
        let said = error.description + (error.place?.excerpt ?? "")
        guard said.contains(name) else {
            throw .differs(ParityDifference("name in the error", native: said, python: name))
        }
    }

    /// The name that DSPy's own messages are about: the unknown one, or the first duplicate.
    private static func namedIn(_ message: String) -> String? {
        for beginning in ["Unknown name: ", "found duplicates: '"] {
            guard let range = message.firstRange(of: beginning) else { continue }
            let name = message[range.upperBound...].prefix {
                $0.isLetter || $0.isNumber || $0 == "_"
            }
            return name.isEmpty ? nil : String(name)
        }
        return nil
    }

    private static func compare(_ schema: Schema, with answer: ParityRow) throws(ParityStop) {
        let fields = answer.rows("fields")
        try ParityRow.compare("fields", "\(schema.fields.count)", with: "\(fields.count)")
        for (index, (ours, theirs)) in zip(schema.fields, fields).enumerated() {
            let place = "fields[\(index)]."
            let isInput = index < schema.inputs.count
            try ParityRow.compare(place + "name", ours.name, with: theirs.text("name"))
            try ParityRow.compare(
                place + "kind",
                isInput ? "input" : "output",
                with: theirs.text("kind")
            )
            try ParityRow.compare(place + "type", ours.type.name, with: theirs.text("type"))
            try ParityRow.compare(place + "prefix", ours.prefix, with: theirs.text("prefix"))
            try ParityRow.compare(place + "desc", ours.description, with: theirs.text("desc"))
            try compareNote(ours, schema.types, with: theirs.text("note"), place)
            let mark = theirs.flag("is_type_undefined") ?? false
            try ParityRow.compare(
                place + "is_type_undefined",
                "\(ours.isTypeUndefined)",
                with: "\(mark)"
            )
        }
        try ParityRow.compare(
            "instructions",
            schema.instructions,
            with: answer.text("instructions")
        )
        try ParityRow.compare("signature_str", schema.signature, with: answer.text("signature_str"))
        if let state = answer["dump_state"] {
            try ParityRow.compare("dump_state", PythonValue(schema.state), with: state)
        }
    }
}

extension SignatureCheck {
    /// What a prompt says that an output's value must be.
    ///
    /// Where only Python can say it, the adapters' rows are delegated, and the signature is not.
    private static func compareNote(
        _ field: Field,
        _ types: [TypeDeclaration],
        with expected: String?,
        _ place: String
    ) throws(ParityStop) {
        guard let expected,
            let note = try? FieldTexts(types: types).placeholder(field, isOutput: true)
        else { return }
        try ParityRow.compare(place + "note", note, with: expected)
    }
}

/// Names for people, inferred from names of fields.
enum PrefixCheck {
    static func check(_ row: ParityRow) throws(ParityStop) {
        let name = try row.required("name")
        try ParityRow.compare("prefix", FieldPrefix.infer(from: name), with: row.text("prefix"))
    }
}
