/// Bytes that travel beside a body, for what would be slow to copy into one.
///
/// The body holds a leaf in their place, which says of what form they are and which they are; see
/// *Worker protocol*.
package struct Attachment: Sendable {
    /// What the bytes are; the raw value is the leaf's byte.
    package enum Form: UInt8, Sendable, Hashable, CaseIterable {
        /// The bytes of a `.bytes` value.
        case bytes = 0
        case table = 1
        case tensor = 2

        /// The word in JSON bodies.
        package var name: String {
            switch self {
            case .bytes: "bytes"
            case .table: "table"
            case .tensor: "tensor"
            }
        }
    }

    package var form: Form
    package var storage: any SharedBytes

    package init(_ form: Form, _ storage: any SharedBytes) {
        self.form = form
        self.storage = storage
    }

    /// A table as an Arrow IPC stream: the one it was read from, or a new one.
    init(_ table: Table) { self.init(.table, ArrowStreamWriter.stream(of: table).storage) }

    /// A tensor as the message that it is kept as.
    init(_ tensor: Tensor) { self.init(.tensor, tensor.contents.message.storage) }

    /// What the bytes stand for; fails where they are not what their form says.
    func value() throws(CodingFailure) -> Value {
        switch form {
        case .bytes: return .bytes(storage.array)
        case .table:
            do throws(TableError) { return .table(try ArrowStreamReader.read(whole)) } catch {
                throw CodingFailure("a table that cannot be read: \(error)")
            }
        case .tensor:
            do throws(TableError) { return .tensor(try TensorFrame.read(whole)) } catch {
                throw CodingFailure("a tensor that cannot be read: \(error)")
            }
        }
    }

    private var whole: BytesSlice { BytesSlice(storage, 0..<storage.count) }
}

/// The attachments that came with a body, and how many of them its leaves have named so far.
///
/// Each must be named once and in order, as a sender writes them: so a body cannot multiply what
/// came with it.
struct AttachmentReader {
    /// What a leaf is in MessagePack: an extension of this type and size.
    static let extensionType: Int8 = 1
    static let extensionSize = 4

    private let storages: [any SharedBytes]
    private var taken = 0

    init(_ storages: [any SharedBytes]) { self.storages = storages }

    /// The value that a leaf stands for.
    mutating func take(_ form: Attachment.Form?, index: Int) throws(CodingFailure) -> Value {
        guard let form else { throw CodingFailure("an attachment of an unknown form") }
        guard index == taken else {
            throw CodingFailure("attachment \(index), where \(taken) comes next")
        }
        guard index < storages.count else {
            throw CodingFailure("attachment \(index), of which \(storages.count) came")
        }
        taken += 1
        return try Attachment(form, storages[index]).value()
    }

    /// Checks that the body has named all of them.
    func finish() throws(CodingFailure) {
        guard taken == storages.count else {
            throw CodingFailure("\(storages.count) attachments came, of which it names \(taken)")
        }
    }
}
