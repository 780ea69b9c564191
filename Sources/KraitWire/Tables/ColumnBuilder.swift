/// Gathers cells, and lays them out as Arrow does.
struct ColumnBuilder {
    private let type: Table.ColumnType
    private var count = 0
    private var nullCount = 0
    private var validity = BitGatherer()
    private var bits = BitGatherer()
    /// Numbers, indices or bytes.
    private var bytes: [UInt8] = []
    private var offsets: [Int]
    private var children: [ColumnBuilder]
    /// Of a dictionary: where each value is among those that were there before.
    private var known: [Value: Int] = [:]

    init(_ type: Table.ColumnType) {
        self.type = type
        offsets = [0]
        if case .dictionary(_, let values, _) = type {
            children = [ColumnBuilder(values)]
        } else {
            children = type.children.map { ColumnBuilder($0.type) }
        }
    }

    mutating func append(_ value: Value) throws(TableError) {
        validity.append(value != .null)
        count += 1
        guard value != .null else {
            nullCount += 1
            return try appendNull()
        }
        switch (type, value) {
        case (.bool, .bool(let flag)): bits.append(flag)
        case (.number(let number), _): try append(value, number)
        case (.date32, _), (.time32, _): try append(value, .int32)
        case (.date64, _), (.time64, _), (.duration, _): try append(value, .int64)
        case (.timestamp(let unit, _), .timestamp(let time)):
            guard let units = time.count(of: unit) else {
                throw .mismatched("cell \(count - 1)", "a time finer than its unit, or too far")
            }
            put(units)
        case (.string, .string(let text)), (.largeString, .string(let text)):
            bytes.append(contentsOf: text.utf8)
            offsets.append(bytes.count)
        case (.binary, .bytes(let blob)), (.largeBinary, .bytes(let blob)):
            bytes.append(contentsOf: blob)
            offsets.append(bytes.count)
        case (.fixedBinary(let size), .bytes(let blob)) where blob.count == size:
            bytes.append(contentsOf: blob)
        case (.list, .list(let elements)), (.largeList, .list(let elements)):
            for element in elements { try children[0].append(element) }
            offsets.append(children[0].count)
        case (.fixedList(_, let size), .list(let elements)) where elements.count == size:
            for element in elements { try children[0].append(element) }
        case (.structure(let fields), .map(let map)):
            for (part, field) in fields.enumerated() {
                try children[part].append(map[field.name] ?? .null)
            }
        case (.dictionary(let index, _, _), _): try append(value, dictionary: index)
        default:
            throw .mismatched("cell \(count - 1)", "\(value.kindName) in a column of another type")
        }
    }

    private mutating func append(_ value: Value, dictionary index: NumberType) throws(TableError) {
        let place = known[value] ?? children[0].count
        if place == children[0].count {
            try children[0].append(value)
            known[value] = place
        }
        try append(.int(Int64(place)), index)
    }

    /// What stands in memory where a cell is null.
    private mutating func appendNull() throws(TableError) {
        switch type.layout {
        case .nothing: break
        case .bits: bits.append(false)
        case .fixed(let size): bytes.append(contentsOf: repeatElement(0, count: size))
        case .dictionary(let index):
            bytes.append(contentsOf: repeatElement(0, count: index.byteCount))
        case .bytes: offsets.append(bytes.count)
        case .list: offsets.append(children[0].count)
        case .fixedList(let size): for _ in 0..<size { try children[0].append(.null) }
        case .structure: for part in children.indices { try children[part].append(.null) }
        }
    }

    private mutating func put<T: BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ value: Value, _ number: NumberType) throws(TableError) {
        let isPut =
            switch number {
            case .int8: put(value, Int8.self)
            case .int16: put(value, Int16.self)
            case .int32: put(value, Int32.self)
            case .int64: put(value, Int64.self)
            case .uint8: put(value, UInt8.self)
            case .uint16: put(value, UInt16.self)
            case .uint32: put(value, UInt32.self)
            case .uint64: put(value, UInt64.self)
            case .float16, .float32, .float64: put(value, float: number)
            }
        guard isPut else {
            throw .mismatched(
                "cell \(count - 1)",
                "\(value.kindName) that is no \(number.rawValue)"
            )
        }
    }

    private mutating func put<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value,
        _ type: T.Type
    ) -> Bool {
        let number: T? =
            switch value {
            case .int(let integer): T(exactly: integer)
            case .unsigned(let integer): T(exactly: integer)
            default: nil
            }
        guard let number else { return false }
        put(number)
        return true
    }

    private mutating func put(_ value: Value, float: NumberType) -> Bool {
        guard let number = value.double else { return false }
        switch float {
        case .float16: put(Float16(number))
        case .float32: put(Float(number))
        default: put(number)
        }
        return true
    }

    func finish() throws(TableError) -> Table.Column {
        var parts: [Table.Column] = []
        for child in children { parts.append(try child.finish()) }
        var places: BytesSlice?
        switch type.layout {
        case .bytes(offset: 4, _), .list(offset: 4):
            guard (offsets.last ?? 0) <= Int(Int32.max) else {
                throw .tooLarge("", "more than 2 GiB in one batch: use the large type")
            }
            places = BytesSlice(offsets.map { Int32($0) })
        case .bytes, .list: places = BytesSlice(offsets)
        default: break
        }
        return Table.Column(
            type: type,
            count: count,
            nullCount: nullCount,
            validity: validity.slice,
            offsets: places,
            values: values,
            children: parts
        )
    }

    private var values: BytesSlice? {
        switch type.layout {
        case .bits: bits.slice
        case .fixed, .dictionary, .bytes: BytesSlice(bytes)
        default: nil
        }
    }
}

/// Gathers bits, the least significant first.
struct BitGatherer {
    private var bytes: [UInt8] = []
    private var count = 0

    mutating func append(_ bit: Bool) {
        if count & 7 == 0 { bytes.append(0) }
        if bit { bytes[count >> 3] |= 1 << UInt8(count & 7) }
        count += 1
    }

    var slice: BytesSlice { BytesSlice(bytes) }
}
