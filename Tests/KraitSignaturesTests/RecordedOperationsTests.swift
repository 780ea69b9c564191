import Foundation
import KraitSignatures
import KraitWire
import Testing

/// Chains of operations and what DSPy 3.4.1 made of them: `Fixtures/Signatures`, and another file
/// of the same kind where `KRAIT_OPERATIONS` names one.
@Suite struct RecordedOperationsTests {
    static let rows: [PythonDict] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let path =
            ProcessInfo.processInfo.environment["KRAIT_OPERATIONS"]
            ?? folder.appending(path: "../Fixtures/Signatures/operations.jsonl").path
        let data = (try? Data(contentsOf: URL(filePath: path))) ?? Data()
        return data.split(separator: 0x0A).compactMap { try? JSONText.read(Array($0))?.dict }
    }()

    @Test func `operations give what DSPy's give`() throws {
        #expect(Self.rows.count >= 100)
        for (number, row) in Self.rows.enumerated() {
            try check(row, number + 1)
        }
    }

    private func check(_ row: PythonDict, _ number: Int) throws {
        let text = row["signature"]?.string ?? ""
        let first = try Schema(parsing: text, instructions: row["given"]?.string)
        var schema = first
        for (index, operation) in (row["operations"]?.list ?? []).enumerated() {
            let operation = try #require(operation.dict)
            do throws(SchemaError) {
                schema = try perform(operation, on: schema)
            } catch {
                let expected = row["error"]?.string
                #expect(error.exception?.rawValue == expected, "row \(number): \(error)")
                #expect(row["at"]?.text == "\(index)", "row \(number)")
                return
            }
        }
        #expect(row["error"] == nil, "row \(number)")
        let fields = schema.fields.map { field in
            PythonValue(
                Value.map([
                    "name": .string(field.name),
                    "kind": schema.inputs.contains(field) ? "input" : "output",
                    "type": .string(field.type.name), "prefix": .string(field.prefix),
                    "desc": .string(field.description),
                ])
            )
        }
        let expected = try #require(row["fields"])
        #expect(expected.isIdentical(to: .list(fields)), "row \(number): \(fields.map(\.text))")
        let state = try #require(row["state"])
        #expect(state.isIdentical(to: PythonValue(schema.state)), "row \(number): \(schema.state)")
        #expect(row["text"]?.string == schema.signature, "row \(number)")
        #expect(row["equals_first"]?.text == (schema.equalsInDSPy(first) ? "True" : "False"))
        let rebuilt = try schema.deleting("there_is_none")
        let isEqual = schema.equalsInDSPy(rebuilt) ? "True" : "False"
        #expect(row["equals_itself_rebuilt"]?.text == isEqual, "row \(number)")
    }

    private func perform(_ operation: PythonDict, on schema: Schema) throws(SchemaError) -> Schema {
        let name = operation["name"]?.string ?? ""
        let text = operation["text"]?.string ?? ""
        var type: TypeExpression?
        if let source = operation["type"]?.string {
            type = try Schema(parsing: "x: \(source) ->").inputs.first?.type
        }
        let field = Field(
            name,
            type: type ?? .str,
            description: operation["desc"]?.string,
            prefix: operation["prefix"]?.string
        )
        let kind = FieldKind(rawValue: operation["kind"]?.string ?? "") ?? .input
        switch operation["op"]?.string {
        case "append": return try schema.appending(field, as: kind)
        case "prepend": return try schema.prepending(field, as: kind)
        case "insert":
            guard case .int(let index)? = operation["index"] else { return schema }
            return try schema.inserting(field, as: kind, at: Int(index))
        case "delete": return try schema.deleting(name)
        case "with_updated_fields":
            return try schema.updating(name) { field in
                if let type { field.type = type }
                if let text = operation["desc"]?.string { field.description = text }
                if let text = operation["prefix"]?.string { field.prefix = text }
            }
        case "load_state":
            return try schema.loading(state: operation["state"]?.wireValue ?? .null)
        case "with_instructions": return schema.with(instructions: text)
        case "append_instructions": return schema.appending(instructions: text)
        default:
            Issue.record("unknown operation")
            return schema
        }
    }
}
