import Glibc
import KraitWire

/// The segments that one worker has made for its results, as they become known.
///
/// Bytes that are leased from them live for as long as somebody holds them, also when the worker is
/// gone: its files are removed then, and their memory goes with the last mapping.
struct WorkerSegments {
    /// How many segments of one worker are mapped at once.
    static let most = 64

    private let prefix: String
    private let tag: UInt32
    private var mappings: [UInt64: SegmentMapping] = [:]

    init(prefix: String, tag: UInt32) {
        self.prefix = prefix
        self.tag = tag
    }

    /// Whether a segment is one of this worker's, by its number.
    func owns(_ segment: UInt64) -> Bool { UInt32(segment >> 32) == tag }

    /// The bytes of a lease, which go back with the last holder of what this gives.
    mutating func take(_ lease: LeaseDescriptor) throws(WireError) -> any SharedBytes {
        let mapping: SegmentMapping
        if let known = mappings[lease.segment] {
            mapping = known
        } else {
            forgetDiscarded()
            guard mappings.count < Self.most,
                let opened = SegmentMapping.open(
                    existing: prefix + String(lease.segment, radix: 16)
                )
            else { throw .staleLease("its segment is not there") }
            mappings[lease.segment] = opened
            mapping = opened
        }
        return LeasedBytes(try mapping.check(lease), lease.slot, of: mapping)
    }

    /// Lets go of segments that the worker has given up.
    mutating func forgetDiscarded() {
        mappings = mappings.filter { !$0.value.isDiscarded }
    }

    /// The worker is gone: what it has left in the folder goes.
    mutating func close() {
        mappings = [:]
        SegmentMapping.removeFiles(withPrefix: prefix + String(tag, radix: 16))
    }
}

/// A worker's bytes in its segment, until they are given back to it.
// Allowed: the bytes are only read, and the owner does not change them before they are given back.
private final class LeasedBytes: SharedBytes, @unchecked Sendable {
    private let bytes: UnsafeRawBufferPointer
    private let slot: Int
    private let mapping: SegmentMapping

    init(_ bytes: UnsafeRawBufferPointer, _ slot: Int, of mapping: SegmentMapping) {
        (self.bytes, self.slot, self.mapping) = (bytes, slot, mapping)
    }

    deinit { mapping.giveBack(slot) }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes)
    }
}
