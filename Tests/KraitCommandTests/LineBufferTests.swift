import Testing

@testable import KraitCommand
@testable import KraitControl

@Suite struct LineBufferTests {
    private func lines(_ parts: [String], limit: Int = 8) -> [LineBuffer.Line] {
        var buffer = LineBuffer(limit: limit)
        var lines: [LineBuffer.Line] = []
        for part in parts {
            buffer.append(Array(part.utf8))
            while let line = buffer.next() { lines.append(line) }
        }
        return lines
    }

    private func whole(_ text: String) -> LineBuffer.Line { .whole(Array(text.utf8)) }

    @Test(arguments: [
        ["ab\ncd\n\ne\n"], ["a", "b", "\nc", "d\n\n", "e\n"], ["ab\nc", "d\n", "\ne\n", "rest"],
    ])
    func `lines are the same however the bytes come`(_ parts: [String]) {
        #expect(lines(parts) == [whole("ab"), whole("cd"), whole(""), whole("e")])
    }

    @Test(arguments: [
        ["123456789\nok\n"], ["12345678", "9\nok\n"], ["1234567890123", "4567\nok\n"],
        ["123456789", "0123456789", "0\no", "k\n"],
    ])
    func `a line that is too long is told once, and the next one is read`(_ parts: [String]) {
        #expect(lines(parts) == [.tooLong, whole("ok")])
    }

    @Test func `a line of just the limit is whole`() {
        #expect(lines(["12345678\n"]) == [whole("12345678")])
    }

    @Test func `a long line is not kept while it is dropped`() {
        var buffer = LineBuffer(limit: 8)
        for _ in 0..<1_000 {
            buffer.append([UInt8](repeating: 0x61, count: 64))
            while buffer.next() != nil {}
            #expect(buffer.isEmpty)
        }
        buffer.append(Array("\nb\n".utf8))
        #expect(buffer.next() == whole("b"))
    }
}
