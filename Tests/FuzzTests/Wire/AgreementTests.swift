import Foundation
import KraitWire
import Testing

/// Changed bodies and frames with what Swift makes of them; Python's side is `test_fuzzed.py`.
///
/// `Tests/Fixtures/Wire/fuzzed.jsonl` has a few hundred. With `KRAIT_FUZZ_RECORD` naming a file, as
/// many as there are rounds are written there instead, for Python to be held against.
@Suite struct AgreementTests {
    private static let fixture: URL = {
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appending(path: "Fixtures/Wire/fuzzed.jsonl")
    }()

    /// What is made of an input: the error's word, or what was read, written as MessagePack.
    private static func verdict(_ form: String, _ bytes: [UInt8]) -> String {
        do throws(WireError) {
            switch form {
            case "json": return hex(try Codec.messagePack.encode(try Codec.json.decode(bytes)))
            case "msgpack":
                return hex(try Codec.messagePack.encode(try Codec.messagePack.decode(bytes)))
            default: return try envelopes(bytes).joined(separator: " ")
            }
        } catch {
            return error.name
        }
    }

    /// The call ids and lengths of a frame's envelopes.
    private static func envelopes(_ bytes: [UInt8]) throws(WireError) -> [String] {
        try bytes.withUnsafeBufferPointer { (bytes) throws(WireError) in
            var reader = EnvelopeReader(UnsafeRawBufferPointer(bytes))
            var found: [String] = []
            while let (header, body) = try reader.next() {
                found.append("\(header.kind.rawValue):\(header.callID):\(body.count)")
            }
            return found
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }

    private static func input(_ mutator: inout WireMutator) -> (form: String, bytes: [UInt8]) {
        switch mutator.number(in: 0...20) {
        case 0: ("json", mutator.deep(.json))
        case 1: ("msgpack", mutator.deep(.messagePack))
        case 2...8: ("json", mutator.body(.json))
        case 9...15: ("msgpack", mutator.body(.messagePack))
        default: ("frame", mutator.frame())
        }
    }

    @Test func `the inputs that both sides read are read as they were`() throws {
        let text = try String(contentsOf: Self.fixture, encoding: .utf8)
        let rows = text.split(separator: "\n").map {
            $0.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(rows.count >= 300)
        for row in rows {
            try #require(row.count >= 12)
            let (form, bytes) = (row[3], Self.bytes(row[7]))
            #expect(Self.verdict(form, bytes) == row[11], "\(form) \(row[7])")
        }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["KRAIT_FUZZ_RECORD"] != nil))
    func `inputs are recorded for the other side`() throws {
        let path = ProcessInfo.processInfo.environment["KRAIT_FUZZ_RECORD"] ?? ""
        let limit = ProcessInfo.processInfo.environment["KRAIT_FUZZ_BYTES"].flatMap { Int($0) }
        var lines: Set<String> = []
        FuzzRun.each(0, Self.input) { form, bytes in
            guard bytes.count <= limit ?? .max else { return }
            let verdict = Self.verdict(form, bytes)
            lines.insert(
                #"{"form": "\#(form)", "bytes": "\#(Self.hex(bytes))", "verdict": "\#(verdict)"}"#
            )
        }
        let text = lines.sorted().joined(separator: "\n") + "\n"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
