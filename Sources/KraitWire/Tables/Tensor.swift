/// Numbers of one type in any number of dimensions, row by row.
///
/// A tensor is kept as it goes over the wire, as an Arrow tensor message, so sending one copies
/// nothing, and one that was received is a view of what arrived. In Python it is a read-only numpy
/// array over the same bytes; `pyarrow.ipc.read_tensor` reads it too.
public struct Tensor: Sendable {
    final class Contents: Sendable {
        let type: NumberType
        let shape: [Int]
        /// The whole message.
        let message: BytesSlice
        /// The numbers alone.
        let numbers: BytesSlice

        init(_ type: NumberType, _ shape: [Int], _ message: BytesSlice, _ numbers: BytesSlice) {
            (self.type, self.shape, self.message, self.numbers) = (type, shape, message, numbers)
        }
    }

    // One reference, so that a `Value` stays as small as it is.
    let contents: Contents

    /// The type of the numbers.
    public var type: NumberType { contents.type }
    /// How many there are along each dimension; empty for a single number.
    public var shape: [Int] { contents.shape }
    /// How many numbers there are.
    public var count: Int { contents.numbers.count / type.byteCount }
    /// How many bytes the numbers take.
    public var byteCount: Int { contents.numbers.count }

    init(_ contents: Contents) { self.contents = contents }

    /// A tensor that `fill` writes where it will be sent from; it must set every number.
    ///
    /// Without a copy. Throws `TableError` for a shape that is none, and what `fill` throws.
    public init<Number: TableNumber>(
        shape: [Int],
        of type: Number.Type = Number.self,
        fill: (UnsafeMutableBufferPointer<Number>) throws -> Void
    ) throws {
        let frame = try TensorFrame(Number.numberType, shape)
        let bytes = try OwnedBytes(count: frame.size) { target in
            frame.put(into: target)
            let room = UnsafeMutableRawBufferPointer(rebasing: target[frame.numbers])
            try fill(room.bindMemory(to: Number.self))
        }
        self.init(frame.contents(of: bytes))
    }

    /// A tensor in memory that `allocate` gives, as the one that `fill` writes is in its own; nil
    /// where it gives none.
    package init?<Number: TableNumber>(
        shape: [Int],
        of type: Number.Type = Number.self,
        in allocate: (_ count: Int) -> (any SharedBytes, UnsafeMutableRawBufferPointer)?,
        fill: (UnsafeMutableBufferPointer<Number>) throws -> Void
    ) throws {
        let frame = try TensorFrame(Number.numberType, shape)
        guard let (bytes, target) = allocate(frame.size) else { return nil }
        frame.put(into: target)
        let room = UnsafeMutableRawBufferPointer(rebasing: target[frame.numbers])
        try fill(room.bindMemory(to: Number.self))
        self.init(frame.contents(of: bytes))
    }

    /// A tensor of an array's numbers, which are copied; throws `TableError` where they do not fill
    /// the shape.
    public init<Number: TableNumber>(_ numbers: [Number], shape: [Int]) throws(TableError) {
        let frame = try TensorFrame(Number.numberType, shape)
        guard frame.count == numbers.count else {
            throw .mismatched("", "\(numbers.count) numbers for a shape of \(frame.count)")
        }
        let bytes = OwnedBytes(count: frame.size) { target in
            frame.put(into: target)
            let room = UnsafeMutableRawBufferPointer(rebasing: target[frame.numbers])
            numbers.withUnsafeBytes { room.copyMemory(from: $0) }
        }
        self.init(frame.contents(of: bytes))
    }

    /// The bytes of the numbers, without a copy; the pointer is good until `body` returns.
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try contents.numbers.withUnsafeBytes(body)
    }

    /// The numbers, row by row, without a copy; throws `TableError` for another type.
    public func withUnsafeNumbers<Number: TableNumber, Result>(
        as type: Number.Type = Number.self,
        _ body: (UnsafeBufferPointer<Number>) throws -> Result
    ) throws -> Result {
        guard Number.numberType == self.type else {
            throw TableError.mismatched("", "a tensor of \(self.type), not \(Number.numberType)")
        }
        return try contents.numbers.withUnsafeBytes { try body($0.bindMemory(to: Number.self)) }
    }

    /// The numbers as a span over the memory they lie in; see `withUnsafeNumbers`.
    public func withNumbers<Number: TableNumber, Result>(
        as type: Number.Type = Number.self,
        _ body: (Span<Number>) throws -> Result
    ) throws -> Result {
        try withUnsafeNumbers(as: type) { try body($0.span) }
    }

    /// The numbers in an array of their own; throws `TableError` for another type.
    public func numbers<Number: TableNumber>(
        as type: Number.Type = Number.self
    ) throws -> [Number] {
        try withUnsafeNumbers(as: type) { Array($0) }
    }

    /// Reads an Arrow tensor message, as `pyarrow.ipc.write_tensor` writes it.
    ///
    /// Throws `TableError` for other bytes, and for numbers that do not lie row by row.
    public init(arrowMessage bytes: [UInt8]) throws(TableError) {
        self = try TensorFrame.read(BytesSlice(bytes))
    }

    /// The tensor as an Arrow tensor message, as `pyarrow.ipc.read_tensor` reads it.
    public func arrowMessage() -> [UInt8] { contents.message.withUnsafeBytes { Array($0) } }
}

extension Tensor: Hashable {
    /// Whether type, shape and bytes are the same: NaN equals a NaN of the same bits.
    public static func == (left: Tensor, right: Tensor) -> Bool {
        if left.contents === right.contents { return true }
        guard left.type == right.type, left.shape == right.shape else { return false }
        return left.withUnsafeBytes { this in right.withUnsafeBytes { this.elementsEqual($0) } }
    }

    /// Feeds type and shape to a hasher, not the numbers: those may be many.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(shape)
    }
}

extension Tensor: CustomStringConvertible {
    /// Type and shape, never a number.
    public var description: String {
        "tensor of \(type.rawValue) [\(shape.map(String.init).joined(separator: ", "))]"
    }
}
