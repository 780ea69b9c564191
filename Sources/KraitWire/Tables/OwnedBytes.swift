import Glibc

/// Bytes of our own, on a cache line's boundary, that nobody changes once they are filled.
// Allowed: the memory is filled before it is shared, and afterwards only read and freed once.
package final class OwnedBytes: SharedBytes, @unchecked Sendable {
    /// The boundary they begin on, which Arrow recommends.
    static let alignment = 64

    private let bytes: UnsafeMutableRawBufferPointer

    /// So many bytes as `fill` leaves them, which must set each of them.
    package init<Failure: Error>(
        count: Int,
        fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        bytes = .allocate(byteCount: count, alignment: Self.alignment)
        do { try fill(bytes) } catch {
            // The object is whole by now, so its end frees the memory.
            throw error
        }
    }

    /// A copy of some bytes.
    package convenience init(copying source: UnsafeRawBufferPointer) {
        self.init(count: source.count) { $0.copyMemory(from: source) }
    }

    deinit { bytes.deallocate() }

    package var count: Int { bytes.count }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(bytes))
    }
}

/// An array's elements as bytes, without a copy.
final class NumberBytes<Element: BitwiseCopyable & Sendable>: SharedBytes {
    let elements: [Element]

    init(_ elements: [Element]) { self.elements = elements }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try elements.withUnsafeBufferPointer { elements throws(Failure) in
            try body(UnsafeRawBufferPointer(elements))
        }
    }
}

/// A part of shared bytes that keeps the whole alive.
package struct BytesSlice: Sendable {
    package let storage: any SharedBytes
    package let range: Range<Int>

    package init(_ storage: any SharedBytes, _ range: Range<Int>) {
        (self.storage, self.range) = (storage, range)
    }

    init<Element: BitwiseCopyable & Sendable>(_ elements: [Element]) {
        let count = elements.count * MemoryLayout<Element>.stride
        self.init(NumberBytes(elements), 0..<count)
    }

    package var count: Int { range.count }

    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try storage.withUnsafeBytes { bytes throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }

    /// The number at an index; the caller has checked that it is there.
    func number<T: BitwiseCopyable>(_ index: Int, as type: T.Type = T.self) -> T {
        withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.stride, as: T.self)
        }
    }

    /// Whether a bit is set, counted from the least significant of the first byte.
    func bit(_ index: Int) -> Bool {
        withUnsafeBytes { $0[index >> 3] >> UInt8(index & 7) & 1 == 1 }
    }

    /// Whether both are the same bytes of the same owner.
    func isSame(as other: BytesSlice) -> Bool {
        storage === other.storage && range == other.range
    }
}
