extension Table.Column {
    /// A cell as a value; traps where there is no such cell.
    ///
    /// Lists are lists and structures maps. A point in time is a `Timestamp`; dates, times of day
    /// and lengths of time are the integers they are stored as. For many numbers `withNumbers` is
    /// the quicker way.
    public func value(at index: Int) -> Value {
        guard !isNull(at: index) else { return .null }
        switch type {
        case .null: return .null
        case .bool: return .bool(values?.bit(index) ?? false)
        case .number(let number): return value(number, index)
        case .date32, .time32: return value(.int32, index)
        case .date64, .time64, .duration: return value(.int64, index)
        case .timestamp(let unit, _):
            guard let values else { return .null }
            return .timestamp(Timestamp(values.number(index, as: Int64.self), of: unit))
        case .string, .largeString:
            return .string(bytes(at: index) { String(decoding: $0, as: UTF8.self) })
        case .binary, .largeBinary, .fixedBinary: return .bytes(bytes(at: index) { Array($0) })
        case .list, .largeList, .fixedList:
            guard let elements = children.first else { return .null }
            return .list(extent(of: index).map { elements.value(at: $0) })
        case .structure(let fields):
            let parts = zip(fields, children).map { ($0.name, $1.value(at: index)) }
            return .map(ValueMap(parts))
        case .dictionary(let number, _, _):
            guard let place = value(number, index).int, let child = children.first else {
                return .null
            }
            return child.value(at: place)
        }
    }

    private func bytes<Result>(at index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result
    {
        guard let values else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return values.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[extent(of: index)]))
        }
    }

    private func value(_ number: NumberType, _ index: Int) -> Value {
        guard let values else { return .null }
        return switch number {
        case .int8: .int(Int64(values.number(index, as: Int8.self)))
        case .int16: .int(Int64(values.number(index, as: Int16.self)))
        case .int32: .int(Int64(values.number(index, as: Int32.self)))
        case .int64: .int(values.number(index))
        case .uint8: .int(Int64(values.number(index, as: UInt8.self)))
        case .uint16: .int(Int64(values.number(index, as: UInt16.self)))
        case .uint32: .int(Int64(values.number(index, as: UInt32.self)))
        case .uint64: Value(values.number(index, as: UInt64.self))
        case .float16: .double(Double(values.number(index, as: Float16.self)))
        case .float32: .double(Double(values.number(index, as: Float.self)))
        case .float64: .double(values.number(index))
        }
    }
}

extension Timestamp {
    /// So many units since 1970.
    init(_ count: Int64, of unit: Table.TimeUnit) {
        let per = unit.perSecond
        // Rounded down, also before 1970.
        let seconds = count / per - (count % per < 0 ? 1 : 0)
        let rest = count &- seconds &* per
        self.init(seconds: seconds, nanoseconds: UInt32(rest * (1_000_000_000 / per)))
    }

    /// How many units since 1970; nil where that is no whole number, or one too large.
    func count(of unit: Table.TimeUnit) -> Int64? {
        let (whole, isOver) = seconds.multipliedReportingOverflow(by: unit.perSecond)
        let each = 1_000_000_000 / unit.perSecond
        guard !isOver, Int64(nanoseconds) % each == 0 else { return nil }
        let (sum, isAbove) = whole.addingReportingOverflow(Int64(nanoseconds) / each)
        return isAbove ? nil : sum
    }
}
