import CProcessSupport
import Glibc
import KraitWire

/// A segment of shared memory as this process sees it: its table, and the bytes behind it.
///
/// Unmapped with its last holder, whatever has become of the file.
// Allowed: the addresses are set once; words of the table are read and written atomically, and
// leased bytes are only read.
final class SegmentMapping: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let size: Int
    /// Keeps the lock that says the file is in use; −1 where another process keeps it.
    private let descriptor: Int32
    private let path: String

    private static let folder = "/dev/shm"

    private init(_ base: UnsafeMutableRawPointer, _ size: Int, _ descriptor: Int32, _ path: String)
    {
        (self.base, self.size, self.descriptor, self.path) = (base, size, descriptor, path)
    }

    deinit {
        munmap(base, size)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Makes a segment; nil where there is no room, or the system refuses.
    ///
    /// All of it is allocated here: a page that could not be had later would be a SIGBUS.
    static func make(_ name: String, size: Int) -> SegmentMapping? {
        let path = "\(folder)/\(name)"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0,
            posix_fallocate(descriptor, 0, size) == 0,
            let base = mmap(
                nil,
                size,
                PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_POPULATE,
                descriptor,
                0
            ),
            base != MAP_FAILED
        else {
            unlink(path)
            close(descriptor)
            return nil
        }
        base.storeBytes(of: SegmentTable.magic, as: UInt64.self)
        return SegmentMapping(base, size, descriptor, path)
    }

    /// Maps a segment that another process has made; nil where there is none that can be used.
    ///
    /// Only its table can be written to.
    static func open(existing name: String) -> SegmentMapping? {
        let path = "\(folder)/\(name)"
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid(), status.st_size > SegmentTable.size
        else { return nil }
        let size = Int(status.st_size)
        guard
            let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            base != MAP_FAILED
        else { return nil }
        let rest = base + SegmentTable.size
        guard mprotect(rest, size - SegmentTable.size, PROT_READ) == 0,
            base.load(as: UInt64.self) == SegmentTable.magic
        else {
            munmap(base, size)
            return nil
        }
        return SegmentMapping(base, size, -1, path)
    }

    /// Says to borrowers that the segment is given up, and removes its name.
    func discard() {
        krait_store_word(word(1), 1)
        unlink(path)
    }

    /// Whether its owner has given it up.
    var isDiscarded: Bool { krait_load_word(word(1)) != 0 }

    static func removeFiles(withPrefix prefix: String) {
        for name in SmallFile.names(in: folder) where name.hasPrefix(prefix) {
            unlink("\(folder)/\(name)")
        }
    }

    // MARK: The table

    private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        base.assumingMemoryBound(to: UInt64.self) + index
    }

    private func entry(_ slot: Int) -> UnsafeMutablePointer<UInt64> {
        word((SegmentTable.header + slot * SegmentTable.slotSize) / 8)
    }

    /// Writes a lease that begins.
    func write(_ lease: LeaseDescriptor) {
        let entry = entry(lease.slot)
        entry[1] = UInt64(lease.offset)
        entry[2] = UInt64(lease.length)
        krait_store_word(entry + 3, 0)
        krait_store_word(entry, lease.generation)
    }

    /// What the borrower has written: 0 while it holds the lease.
    func returned(_ slot: Int) -> UInt64 { krait_load_word(entry(slot) + 3) }

    /// Gives a lease back to its owner.
    func giveBack(_ slot: Int) { krait_store_word(entry(slot) + 3, 1) }

    /// The bytes of a lease, held against the table.
    func check(_ lease: LeaseDescriptor) throws(WireError) -> UnsafeRawBufferPointer {
        let entry = entry(lease.slot)
        guard krait_load_word(entry) == lease.generation, krait_load_word(entry + 3) == 0 else {
            throw .staleLease("its generation is over")
        }
        guard entry[1] == UInt64(lease.offset), entry[2] == UInt64(lease.length),
            lease.offset + lease.length <= size
        else { throw .staleLease("it is not what its segment's table has") }
        return UnsafeRawBufferPointer(start: base + lease.offset, count: lease.length)
    }
}
