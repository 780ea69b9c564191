/// A tensor's message: the metadata, and where the numbers lie behind it.
struct TensorFrame {
    let type: NumberType
    let shape: [Int]
    let count: Int
    private let metadata: [UInt8]

    init(_ type: NumberType, _ shape: [Int]) throws(TableError) {
        (self.type, self.shape) = (type, shape)
        count = try Self.count(of: shape, type)
        metadata = ArrowMetadata.tensor(
            type,
            shape: shape,
            strides: Self.strides(of: shape, type),
            length: count * type.byteCount
        )
    }

    /// How many bytes the message has.
    var size: Int { metadata.count + ArrowFormat.padded(count * type.byteCount) }
    var numbers: Range<Int> { metadata.count..<metadata.count + count * type.byteCount }

    /// Writes all but the numbers.
    func put(into target: UnsafeMutableRawBufferPointer) {
        target.copyBytes(from: metadata)
        for index in numbers.upperBound..<target.count { target[index] = 0 }
    }

    func contents(of bytes: any SharedBytes) -> Tensor.Contents {
        let message = BytesSlice(bytes, 0..<bytes.count)
        return Tensor.Contents(type, shape, message, BytesSlice(bytes, numbers))
    }

    private static func count(of shape: [Int], _ type: NumberType) throws(TableError) -> Int {
        guard shape.count <= Limits.tensorDimensions else {
            throw .tooLarge("", "a tensor has at most \(Limits.tensorDimensions) dimensions")
        }
        var size = type.byteCount
        var isEmpty = false
        for extent in shape {
            guard extent >= 0 else { throw .malformed("", "a dimension of \(extent)") }
            if extent == 0 { isEmpty = true }
            let (product, isOver) = size.multipliedReportingOverflow(by: max(extent, 1))
            guard !isOver else { throw .tooLarge("", "more numbers than memory has bytes") }
            size = product
        }
        return isEmpty ? 0 : size / type.byteCount
    }

    /// How many bytes lie between neighbours along each dimension, row by row.
    private static func strides(of shape: [Int], _ type: NumberType) -> [Int] {
        var strides = [Int](repeating: 0, count: shape.count)
        var stride = type.byteCount
        for index in shape.indices.reversed() {
            strides[index] = stride
            stride *= max(shape[index], 1)
        }
        return strides
    }

    /// Reads a message; the tensor is a view of it, and keeps it alive.
    static func read(_ message: BytesSlice) throws(TableError) -> Tensor {
        let message = message.aligned
        return try message.withUnsafeBytes { bytes throws(TableError) in
            try read(message, bytes)
        }
    }

    private static func read(
        _ message: BytesSlice,
        _ bytes: UnsafeRawBufferPointer
    ) throws(TableError) -> Tensor {
        let buffer = FlatBuffer(bytes: bytes)
        guard try buffer.integer(at: 0) == ArrowFormat.continuation else {
            throw .malformed("", "a message that does not begin with FFFFFFFF")
        }
        let size = Int(try buffer.integer(at: 4) as Int32)
        let start = ArrowFormat.prefix + size
        guard size > 0, start <= bytes.count, start % ArrowFormat.leastAlignment == 0 else {
            throw .malformed("", "metadata of \(size) bytes in a message of \(bytes.count)")
        }
        let metadata = UnsafeRawBufferPointer(rebasing: bytes[ArrowFormat.prefix..<start])
        let root = try FlatBuffer(bytes: metadata).root()
        guard ArrowFormat.versions ~= (try root.integer(0, or: Int16(0))),
            try root.integer(1, or: UInt8(0)) == ArrowFormat.Header.tensor.rawValue,
            let tensor = try root.table(2)
        else { throw .malformed("", "a message that is no tensor") }
        guard try root.integer(3, or: Int64(0)) == bytes.count - start else {
            throw .malformed("", "a body of another length than announced")
        }
        let type = try number(tensor)
        let shape = try self.shape(tensor)
        let count = try count(of: shape, type)
        try checkStrides(tensor, shape, type)
        guard let place = try tensor.place(4, size: 16) else {
            throw .malformed("", "a tensor without numbers")
        }
        let data = FlatBuffer(bytes: metadata)
        let offset = Int(try data.integer(at: place) as Int64)
        let length = Int(try data.integer(at: place + 8) as Int64)
        guard offset >= 0, offset <= bytes.count - start, length == count * type.byteCount,
            length <= bytes.count - start - offset,
            offset % ArrowFormat.leastAlignment == 0
        else { throw .malformed("", "numbers that do not fill the shape") }
        let from = message.range.lowerBound + start + offset
        let numbers = BytesSlice(message.storage, from..<from + length)
        return Tensor(Tensor.Contents(type, shape, message, numbers))
    }

    private static func number(_ tensor: FlatTable) throws(TableError) -> NumberType {
        guard let type = try tensor.table(1) else { throw .malformed("", "numbers of no type") }
        switch ArrowFormat.TypeCode(rawValue: try tensor.integer(0, or: UInt8(0))) {
        case .integer: return try ArrowSchemaReader.integer(type)
        case .float: return try ArrowSchemaReader.float(type)
        default: throw .unsupported("", "a tensor of anything but integers and floats")
        }
    }

    private static func shape(_ tensor: FlatTable) throws(TableError) -> [Int] {
        guard let dimensions = try tensor.vector(2, elementSize: 4) else { return [] }
        guard dimensions.count <= Limits.tensorDimensions else {
            throw .tooLarge("", "a tensor has at most \(Limits.tensorDimensions) dimensions")
        }
        var shape: [Int] = []
        for index in 0..<dimensions.count {
            shape.append(Int(try dimensions.table(index).integer(0, or: Int64(0))))
        }
        return shape
    }

    private static func checkStrides(
        _ tensor: FlatTable,
        _ shape: [Int],
        _ type: NumberType
    ) throws(TableError) {
        guard let found = try tensor.vector(3, elementSize: 8), found.count > 0 else { return }
        guard found.count == shape.count else { throw .malformed("", "strides for another shape") }
        // Along a dimension of one, and in a tensor without numbers, a stride has no meaning.
        guard !shape.contains(0) else { return }
        for (index, stride) in strides(of: shape, type).enumerated() where shape[index] > 1 {
            guard try found.long(index) == stride else {
                throw .unsupported("", "numbers that do not lie row by row; make them contiguous")
            }
        }
    }
}
