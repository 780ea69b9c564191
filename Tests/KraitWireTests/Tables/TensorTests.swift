import Testing

@testable import KraitWire

@Suite struct TensorTests {
    @Test func `a tensor has its numbers, and lends them`() throws {
        let tensor = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(tensor.type == .float32 && tensor.shape == [2, 3])
        #expect(tensor.count == 6 && tensor.byteCount == 24)
        #expect(try tensor.numbers(as: Float.self) == [1, 2, 3, 4, 5, 6])
        #expect(try tensor.withNumbers(as: Float.self) { $0[5] } == 6)
        #expect(throws: TableError.self) { try tensor.numbers(as: Double.self) }
        #expect(tensor.description == "tensor of float32 [2, 3]")
    }

    @Test func `a tensor is filled where it is sent from, and read where it is`() throws {
        let tensor = try Tensor(shape: [1_000], of: Int32.self) { room in
            for index in room.indices { room[index] = Int32(index) }
        }
        let message = tensor.arrowMessage()
        #expect(message.count % 64 == 0)
        let back = try Tensor(arrowMessage: message)
        #expect(back == tensor && back.hashValue == tensor.hashValue)
        let inside = back.contents.message.withUnsafeBytes { whole in
            back.withUnsafeBytes { part in
                part.baseAddress.map { $0 - (whole.baseAddress ?? $0) }
            }
        }
        #expect(inside == message.count - 4_032)
    }

    @Test(arguments: [[], [1], [0], [3, 0, 2], [1, 1, 1], [4, 2, 3]] as [[Int]])
    func `every shape comes back`(shape: [Int]) throws {
        let count = shape.reduce(1, *)
        let tensor = try Tensor((0..<count).map { Double($0) }, shape: shape)
        #expect(try Tensor(arrowMessage: tensor.arrowMessage()) == tensor)
        #expect(tensor.shape == shape && tensor.count == count)
    }

    @Test func `numbers that lie at no boundary are copied, not refused`() throws {
        let message = try Tensor([1.5, 2.5], shape: [2]).arrowMessage()
        let shifted = BytesSlice(ArrayBytes([0] + message), 1..<message.count + 1)
        #expect(try TensorFrame.read(shifted).numbers(as: Double.self) == [1.5, 2.5])
    }

    @Test func `shapes that are none are refused`() {
        #expect(throws: TableError.self) { try Tensor([1.5], shape: [2]) }
        #expect(throws: TableError.self) { try Tensor([Int](), shape: [-1]) }
        #expect(throws: TableError.self) { try Tensor([Int](), shape: [.max, .max, 0]) }
        #expect(throws: TableError.self) {
            try Tensor([1], shape: Array(repeating: 1, count: 33))
        }
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try Tensor(shape: [2], of: Double.self) { _ in throw Stop() }
        }
    }
}
