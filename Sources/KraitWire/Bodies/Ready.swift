/// A worker's word that it takes calls, and which.
package struct Ready: Hashable, Sendable {
    package var operations: [Operation]
    /// How many calls at once it takes.
    package var slots: Int
    /// Its own memory, not what it shares with the forkserver.
    package var residentBytes: Int

    /// One thing that the worker's adapter can do.
    package struct Operation: Hashable, Sendable {
        package var name: String
        package var kind: Kind
        /// For people; the first lines of the Python function's docstring.
        package var doc: String

        package init(name: String, kind: Kind, doc: String = "") {
            self.name = name
            self.kind = kind
            self.doc = doc
        }

        /// How the worker runs it.
        package enum Kind: String, Hashable, Sendable, CaseIterable {
            /// On a call thread.
            case sync
            /// On the event loop.
            case async
            /// On the reader thread, as it takes next to no time.
            case inline
        }
    }

    package init(operations: [Operation], slots: Int, residentBytes: Int) {
        self.operations = operations
        self.slots = slots
        self.residentBytes = residentBytes
    }

    package init(_ value: Value) throws(WireError) {
        let body = try BodyReader(value)
        let list = try body.list("operations", limit: Limits.operations)
        operations = []
        operations.reserveCapacity(list.count)
        for (index, value) in list.enumerated() {
            let operation = try BodyReader(value, at: [.key("operations"), .index(index)])
            operations.append(
                Operation(
                    name: try operation.text("name"),
                    kind: try operation.word("kind"),
                    doc: try operation.prose("doc", limit: Limits.docBytes)
                )
            )
        }
        slots = try body.integer("slots", in: 1...Limits.slots)
        residentBytes = try body.integer("resident_bytes")
    }

    package var value: Value {
        let list = operations.map { operation -> Value in
            [
                "name": .string(operation.name), "kind": .string(operation.kind.rawValue),
                "doc": .string(Prose.start.cut(operation.doc, to: Limits.docBytes)),
            ]
        }
        return [
            "operations": .list(list), "slots": .int(Int64(slots)),
            "resident_bytes": .int(Int64(residentBytes)),
        ]
    }
}
