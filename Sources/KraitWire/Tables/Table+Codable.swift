import Foundation

// Krait's own encoder takes both as they are; to others they are their Arrow bytes.

extension Table: Codable {
    /// Reads the bytes of an Arrow IPC stream.
    public init(from decoder: any Decoder) throws {
        let data = try decoder.singleValueContainer().decode(Data.self)
        self = try Table(arrowStream: Array(data))
    }

    /// Writes the bytes of an Arrow IPC stream.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(arrowStream()))
    }
}

extension Tensor: Codable {
    /// Reads the bytes of an Arrow tensor message.
    public init(from decoder: any Decoder) throws {
        let data = try decoder.singleValueContainer().decode(Data.self)
        self = try Tensor(arrowMessage: Array(data))
    }

    /// Writes the bytes of an Arrow tensor message.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(arrowMessage()))
    }
}
