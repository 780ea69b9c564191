extension Table {
    /// The cells of one column in one batch.
    ///
    /// A column read from a stream is a view of the stream's bytes; copying one copies none.
    public struct Column: Sendable {
        /// What the cells are.
        public let type: ColumnType
        /// How many cells there are.
        public let count: Int
        /// How many of them are null.
        public let nullCount: Int
        /// A bit for each cell, 0 for null; nil where none is.
        let validity: BytesSlice?
        /// Where each cell begins, and the last ends: of texts, bytes and lists.
        let offsets: BytesSlice?
        /// The numbers, bits, indices, or bytes that `offsets` are about.
        let values: BytesSlice?
        /// The elements of lists, the parts of structures, the values of a dictionary.
        let children: [Column]

        init(
            type: ColumnType,
            count: Int,
            nullCount: Int,
            validity: BytesSlice? = nil,
            offsets: BytesSlice? = nil,
            values: BytesSlice? = nil,
            children: [Column] = []
        ) {
            (self.type, self.count, self.nullCount) = (type, count, nullCount)
            self.validity = nullCount == 0 ? nil : validity
            (self.offsets, self.values, self.children) = (offsets, values, children)
        }

        /// Whether a cell is null; traps where there is no such cell.
        public func isNull(at index: Int) -> Bool {
            precondition(index >= 0 && index < count, "no such cell")
            if case .null = type { return true }
            return validity.map { !$0.bit(index) } ?? false
        }

        /// Numbers as they lie in memory, without a copy.
        ///
        /// What stands where `isNull(at:)` has no meaning. Times are `Int64` or `Int32`. The
        /// pointer is good until `body` returns. Throws `TableError` for another type.
        public func withUnsafeNumbers<Number: TableNumber, Result>(
            as type: Number.Type = Number.self,
            _ body: (UnsafeBufferPointer<Number>) throws -> Result
        ) throws -> Result {
            guard let values, storedNumber == Number.numberType else {
                throw TableError.mismatched("", "the column holds no \(Number.numberType)")
            }
            return try values.withUnsafeBytes { bytes in
                try body(
                    UnsafeBufferPointer(rebasing: bytes.assumingMemoryBound(to: type)[..<count])
                )
            }
        }

        /// Numbers as a span over the memory they lie in; see `withUnsafeNumbers`.
        public func withNumbers<Number: TableNumber, Result>(
            as type: Number.Type = Number.self,
            _ body: (Span<Number>) throws -> Result
        ) throws -> Result {
            try withUnsafeNumbers(as: type) { try body($0.span) }
        }

        /// The elements of lists, of all of them one behind the other, or a dictionary's values.
        public var elements: Column? {
            switch type {
            case .list, .largeList, .fixedList, .dictionary: children.first
            default: nil
            }
        }

        /// The parts of structures, in the order of their fields.
        public var parts: [Column] {
            if case .structure = type { children } else { [] }
        }

        /// The number type that the cells are stored as.
        private var storedNumber: NumberType? {
            switch type {
            case .number(let number): number
            case .dictionary(let index, _, _): index
            case .timestamp, .date64, .time64, .duration: .int64
            case .date32, .time32: .int32
            default: nil
            }
        }

        /// Where the bytes or elements of a cell are.
        func extent(of index: Int) -> Range<Int> {
            switch type.layout {
            case .fixedList(let size), .fixed(let size): return index * size..<(index + 1) * size
            case .list(let width), .bytes(let width, _):
                guard let offsets else { return 0..<0 }
                return Self.offset(offsets, index, width)..<Self.offset(offsets, index + 1, width)
            default: return index..<index + 1
            }
        }

        /// Where the bytes or elements of the last cell end.
        var extentEnd: Int {
            switch type.layout {
            case .list(let width), .bytes(let width, _):
                guard let offsets, count > 0 else { return 0 }
                return Self.offset(offsets, count, width)
            default: return 0
            }
        }

        private static func offset(_ offsets: BytesSlice, _ index: Int, _ width: Int) -> Int {
            width == 4
                ? Int(offsets.number(index, as: Int32.self))
                : Int(offsets.number(index, as: Int64.self))
        }
    }
}
