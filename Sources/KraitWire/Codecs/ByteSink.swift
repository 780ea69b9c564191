import Glibc

/// Room for bytes that are being written, and how far the writing has come.
///
/// A sink never grows: where it is full the writing stops with `EncodingStop.full`, and begins anew
/// in one that is large enough (see `Codec.build`). So a body is written into the buffer it is
/// handed over in.
struct ByteSink {
    private let start: UnsafeMutableRawPointer
    private var cursor: UnsafeMutableRawPointer
    private let end: UnsafeMutableRawPointer
    /// What goes beside the body; nil where all has to go into it.
    private(set) var attachments: [Attachment]?

    /// A sink over a buffer that must outlive it, and must not be empty.
    init(_ buffer: UnsafeMutableRawBufferPointer, isGathering: Bool = false) {
        guard let base = buffer.baseAddress else { preconditionFailure("a sink without room") }
        start = base
        cursor = base
        end = base + buffer.count
        attachments = isGathering ? [] : nil
    }

    var count: Int { cursor - start }
    var room: Int { end - cursor }

    /// Whether bytes are to go beside the body, being so many.
    @inline(__always)
    func isBeside(byteCount: Int) -> Bool {
        byteCount > Limits.inlineBytes && attachments != nil
    }

    /// Puts bytes beside the body, and says which attachment they are.
    mutating func attach(_ attachment: Attachment) throws(EncodingStop) -> UInt16 {
        guard let index = attachments?.count else {
            throw .failed(CodingFailure("a \(attachment.form.name), which nothing here can carry"))
        }
        guard index < Limits.attachments else {
            throw .failed(CodingFailure("more than \(Limits.attachments) large values"))
        }
        attachments?.append(attachment)
        return UInt16(index)
    }

    /// Adds one byte; the caller has asked for `room`.
    @inline(__always)
    mutating func put(_ byte: UInt8) {
        cursor.storeBytes(of: byte, as: UInt8.self)
        cursor += 1
    }

    /// Adds an integer's bytes, least significant first; the caller has asked for `room`.
    @inline(__always)
    mutating func put<T: FixedWidthInteger>(littleEndian integer: T) {
        cursor.storeBytes(of: integer.littleEndian, as: T.self)
        cursor += MemoryLayout<T>.size
    }

    /// Adds bytes; the caller has asked for `room`.
    @inline(__always)
    mutating func put(_ bytes: UnsafeRawPointer, count: Int) {
        if count >= 8 && count <= 16 {
            // Most keys and names: two words that overlap, for less than the call of `memcpy`.
            let last = count &- 8
            cursor.storeBytes(of: bytes.loadUnaligned(as: UInt64.self), as: UInt64.self)
            cursor.storeBytes(
                of: bytes.loadUnaligned(fromByteOffset: last, as: UInt64.self),
                toByteOffset: last,
                as: UInt64.self
            )
        } else if count < 8 {
            for offset in 0..<count {
                cursor.storeBytes(
                    of: bytes.load(fromByteOffset: offset, as: UInt8.self),
                    toByteOffset: offset,
                    as: UInt8.self
                )
            }
        } else {
            memcpy(cursor, bytes, count)
        }
        cursor += count
    }

    /// Steps over bytes that are filled in after, and says where they are; the caller has asked for
    /// `room`.
    @discardableResult
    @inline(__always)
    mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        defer { cursor += count }
        return cursor
    }
}

/// What ends an encoding early.
enum EncodingStop: Error {
    /// The sink is full.
    case full
    case failed(CodingFailure)

    func inside(_ step: @autoclosure () -> CodingFailure.Step) -> EncodingStop {
        switch self {
        case .full: .full
        case .failed(let failure): .failed(failure.inside(step()))
        }
    }
}
