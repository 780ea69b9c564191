/// What a call's body holds, as the worker's side reads it.
package struct CallBody: Hashable, Sendable {
    package var operation: String
    package var arguments: ValueMap
    package var options: ValueMap

    package init(operation: String, arguments: ValueMap, options: ValueMap = [:]) {
        self.operation = operation
        self.arguments = arguments
        self.options = options
    }

    package init(_ value: Value) throws(WireError) {
        guard let parts = value.list, 2...3 ~= parts.count else {
            throw BodyReader.malformed([], "expected [operation, arguments] or one element more")
        }
        guard let operation = parts[0].string, operation.utf8.count <= Limits.nameBytes else {
            throw BodyReader.malformed(
                [.key("operation")],
                "expected text of at most \(Limits.nameBytes) bytes, found \(parts[0].kindName)"
            )
        }
        self.operation = operation
        arguments = try Self.map(parts[1], "arguments")
        options = parts.count == 3 ? try Self.map(parts[2], "options") : [:]
    }

    private static func map(_ value: Value, _ part: String) throws(WireError) -> ValueMap {
        guard let map = value.map else {
            throw BodyReader.malformed([.key(part)], "expected a map, found \(value.kindName)")
        }
        return map
    }
}
