/// The names that pydantic or DSPy allow no field to have.
enum FieldNames {
    /// What pydantic says while it reads the names, in its order: its configuration first.
    static func checkBeforeTypes(_ fields: [(name: String, range: Range<Int>)]) throws(ParseFailure)
    {
        for (name, range) in fields where name == "model_config" {
            throw reserved(name, .typeError, at: range)
        }
        for (name, range) in fields where name.utf8.first == Ascii.underscore {
            if name == "__annotations__" { throw reserved(name, .typeError, at: range) }
            if special.contains(name) { throw .delegated(.specialName, at: range) }
        }
        for (name, range) in fields where name.utf8.first == Ascii.underscore {
            let bare = String(name.drop { $0 == "_" })
            throw ParseFailure(
                .reservedName,
                "a field's name cannot begin with an underscore",
                remedy: bare.isEmpty ? "use letters" : "write `\(bare)`",
                exception: .pydanticUserError,
                at: range
            )
        }
        for (name, range) in fields where name.hasPrefix("model_") && methods.contains(name) {
            throw reserved(name, .valueError, at: range)
        }
    }

    /// What DSPy stumbles over when the class is made: its own attributes.
    static func checkAfterTypes(_ fields: [(name: String, range: Range<Int>)]) throws(ParseFailure)
    {
        for (name, range) in fields where mayBeAttribute(name) && attributes.contains(name) {
            throw reserved(name, .typeError, at: range)
        }
    }

    private static func reserved(_ name: String, _ exception: PythonException, at range: Range<Int>)
        -> ParseFailure
    {
        ParseFailure(
            .reservedName,
            "no field can be named `\(name)`: DSPy's signatures have an attribute of that name",
            remedy: "use another name, such as `\(name)_`",
            exception: exception,
            at: range
        )
    }

    private static let methods: Set<String> = [
        "model_dump", "model_dump_json", "model_validate", "model_validate_json",
        "model_validate_strings",
    ]

    /// Spares most names the table.
    private static func mayBeAttribute(_ name: String) -> Bool {
        switch name.utf8.count {
        case 6, 9, 12, 13: name.utf8.last == UInt8(ascii: "s") || name == "signature"
        default: false
        }
    }

    private static let attributes: Set<String> = [
        "fields", "input_fields", "instructions", "output_fields", "signature",
    ]

    private static let special: Set<String> = [
        "__base__", "__cls_kwargs__", "__config__", "__doc__", "__module__", "__pydantic_extra__",
        "__qualname__", "__validators__",
    ]
}
