/// A table: named, typed columns, in batches of rows.
///
/// On the wire a table is an Arrow IPC stream, so that `pyarrow`, pandas and polars take it as it
/// is. A table that was read is a view of the stream's bytes: nothing is copied until a cell is
/// asked for, and sending it on copies nothing either.
///
/// Two tables are equal if they have the same fields and the same cells, however these are divided
/// into batches; comparing goes through the cells, unless both are views of the same bytes.
public struct Table: Sendable {
    private final class Contents: Sendable {
        let fields: [Field]
        let metadata: [Note]
        let batches: [Batch]
        let rowCount: Int
        /// The stream it was read from.
        let source: BytesSlice?

        init(_ fields: [Field], _ metadata: [Note], _ batches: [Batch], _ source: BytesSlice?) {
            (self.fields, self.metadata, self.batches) = (fields, metadata, batches)
            rowCount = batches.reduce(0) { $0 + $1.rowCount }
            self.source = source
        }
    }

    /// Some rows of all columns.
    public struct Batch: Sendable {
        /// How many rows there are.
        public let rowCount: Int
        /// The columns, in the order of the table's fields.
        public let columns: [Column]

        init(rowCount: Int, columns: [Column]) {
            (self.rowCount, self.columns) = (rowCount, columns)
        }
    }

    // One reference, so that a `Value` stays as small as it is.
    private let contents: Contents

    /// The columns' names and types, in order.
    public var fields: [Field] { contents.fields }
    /// What others wrote about the table.
    public var metadata: [Note] { contents.metadata }
    /// The rows, in batches.
    public var batches: [Batch] { contents.batches }
    /// How many rows there are.
    public var rowCount: Int { contents.rowCount }
    var source: BytesSlice? { contents.source }

    init(checked fields: [Field], _ metadata: [Note], _ batches: [Batch], source: BytesSlice?) {
        contents = Contents(fields, metadata, batches, source)
    }

    /// A table of one batch.
    ///
    /// Throws `TableError` where columns differ in length.
    public init(_ columns: [(name: String, column: Column)]) throws(TableError) {
        let fields = columns.map { Field($0.name, $0.column.type) }
        try self.init(fields: fields, batches: columns.isEmpty ? [] : [columns.map(\.column)])
    }

    /// A table of batches, each of which has a column for each field.
    ///
    /// Throws `TableError` where a column's type or length does not fit, or one that may have no
    /// nulls has some.
    public init(
        fields: [Field],
        metadata: [Note] = [],
        batches: [[Column]]
    ) throws(TableError) {
        var made: [Batch] = []
        for (number, columns) in batches.enumerated() {
            guard columns.count == fields.count else {
                let counts = "\(columns.count) columns for \(fields.count) fields"
                throw .mismatched("batch \(number)", counts)
            }
            let rows = columns.first?.count ?? 0
            for (field, column) in zip(fields, columns) {
                if let reason = field.mismatch(column, rows: rows) {
                    throw .mismatched("batch \(number), column \(field.shownName)", reason)
                }
            }
            made.append(Batch(rowCount: rows, columns: columns))
        }
        guard made.reduce(0, { $0 + $1.rowCount }) <= Limits.tableRows else {
            throw .tooLarge("", "a table has at most \(Limits.tableRows) rows")
        }
        self.init(checked: fields, metadata, made, source: nil)
    }

    /// The column of a name in each batch; nil where there is none.
    ///
    /// Of a name that is there twice the first.
    public subscript(name: String) -> [Column]? {
        guard let index = fields.firstIndex(where: { ExactText.isSame($0.name, name) }) else {
            return nil
        }
        return batches.map { $0.columns[index] }
    }

    /// The cell of a column in a row of the whole table, counted from 0; nil without such a column.
    ///
    /// Walks the batches to find the row, which must be there.
    public func value(_ name: String, row: Int) -> Value? {
        guard let columns = self[name] else { return nil }
        var rest = row
        for column in columns {
            if rest < column.count { return column.value(at: rest) }
            rest -= column.count
        }
        preconditionFailure("a table of \(rowCount) rows has no row \(row)")
    }

    /// All rows as maps, for small tables: each cell becomes a value of its own.
    public var rows: [ValueMap] {
        batches.flatMap { batch in
            (0..<batch.rowCount).map { row in
                ValueMap(zip(fields, batch.columns).map { ($0.name, $1.value(at: row)) })
            }
        }
    }
}

extension Table.Field {
    /// The name as errors show it.
    var shownName: String {
        String(name.unicodeScalars.prefix(64).map(Character.init)).debugDescription
    }

    /// Why a column is none of this field in a batch of so many rows; nil where it is one.
    func mismatch(_ column: Table.Column, rows: Int) -> String? {
        guard column.type == type else { return "the column is of another type than its field" }
        guard column.count == rows else { return "\(column.count) cells where others have \(rows)" }
        guard isNullable || column.nullCount == 0 else { return "nulls in a field that has none" }
        return nil
    }
}

extension Table: Hashable {
    /// Whether both have the same fields and the same cells.
    public static func == (left: Table, right: Table) -> Bool {
        if left.contents === right.contents { return true }
        guard left.fields == right.fields, left.rowCount == right.rowCount else { return false }
        if let this = left.source, let that = right.source, this.isSame(as: that) { return true }
        return left.fields.indices.allSatisfy { column in
            let cells = { (table: Table) in
                table.batches.lazy.flatMap { batch in
                    (0..<batch.rowCount).lazy.map { batch.columns[column].value(at: $0) }
                }
            }
            return cells(left).elementsEqual(cells(right))
        }
    }

    /// Feeds the fields and the count of rows to a hasher, not the cells: those may be many.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(fields)
        hasher.combine(rowCount)
    }
}

extension Table: CustomStringConvertible {
    /// The shape and the columns' names, never a cell.
    public var description: String {
        let names = fields.prefix(16).map(\.shownName).joined(separator: ", ")
        return "table of \(rowCount) rows: \(names)\(fields.count > 16 ? ", …" : "")"
    }
}
