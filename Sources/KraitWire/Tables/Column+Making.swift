extension Table.Column {
    /// Numbers, without a copy.
    public init<Number: TableNumber>(_ numbers: [Number]) {
        self.init(
            type: .number(Number.numberType),
            count: numbers.count,
            nullCount: 0,
            values: BytesSlice(numbers)
        )
    }

    /// Numbers of which some are null.
    public init<Number: TableNumber & ExpressibleByIntegerLiteral>(_ numbers: [Number?]) {
        var validity = BitGatherer()
        for number in numbers { validity.append(number != nil) }
        self.init(
            type: .number(Number.numberType),
            count: numbers.count,
            nullCount: numbers.lazy.filter { $0 == nil }.count,
            validity: validity.slice,
            values: BytesSlice(numbers.map { $0 ?? 0 })
        )
    }

    /// Texts of which some may be null; as `.largeString` where they have 2 GiB and more.
    public init(_ texts: [String?]) {
        var bytes: [UInt8] = []
        var offsets = [0]
        var validity = BitGatherer()
        for text in texts {
            if let text { bytes.append(contentsOf: text.utf8) }
            offsets.append(bytes.count)
            validity.append(text != nil)
        }
        let isLarge = bytes.count > Int(Int32.max)
        self.init(
            type: isLarge ? .largeString : .string,
            count: texts.count,
            nullCount: texts.lazy.filter { $0 == nil }.count,
            validity: validity.slice,
            offsets: isLarge ? BytesSlice(offsets) : BytesSlice(offsets.map { Int32($0) }),
            values: BytesSlice(bytes)
        )
    }

    /// Cells of any type, from values.
    ///
    /// A `.dictionary` column gets each value once, in the order they come. Throws `TableError`
    /// where a value is not of the type: a number out of its range, a list of another length.
    public init(_ values: [Value], as type: Table.ColumnType) throws(TableError) {
        var builder = ColumnBuilder(type)
        for value in values { try builder.append(value) }
        self = try builder.finish()
    }

    /// Lists of one length, such as embeddings: `elements` holds them one behind the other.
    ///
    /// Throws `TableError` where the elements do not come out even.
    public init(lists elements: Table.Column, of size: Int) throws(TableError) {
        guard size > 0, elements.count % size == 0 else {
            throw .mismatched("", "\(elements.count) elements do not make lists of \(size)")
        }
        self.init(
            type: .fixedList(Table.Field("item", elements.type), count: size),
            count: elements.count / size,
            nullCount: 0,
            children: [elements]
        )
    }
}

extension Table {
    /// A table of one batch from rows: each field's cell is under its name, absent ones are null.
    ///
    /// Throws `TableError` where a value is not of its field's type.
    public init(rows: [ValueMap], fields: [Field]) throws(TableError) {
        var columns: [Column] = []
        for field in fields {
            do throws(TableError) {
                let cells = rows.map { $0[field.name] ?? .null }
                columns.append(try Column(cells, as: field.type))
            } catch { throw error.inside("column \(field.shownName)") }
        }
        try self.init(fields: fields, batches: fields.isEmpty ? [] : [columns])
    }
}
