import Foundation
import KraitTestSupport
import KraitWire
import Testing

/// Public vectors of JSON, as far as an installed package has them.
@Suite(.timeLimit(.minutes(1))) struct VectorTests {
    /// What the checker refuses and JSON (RFC 8259) does not: a text alone, and 20 lists deep.
    private static let ownRules: Set<String> = ["fail-1.json", "fail-18.json"]

    @Test func `the JSON checker's texts are read or refused as they are to be`() async throws {
        try await withTemporaryDirectory { folder in
            let program = try Program(
                TestPools.interpreter,
                ["\(TestPools.fixtures)/Wire/checker.py", folder],
                environment: TestPools.environment,
                folder: folder
            )
            let code = try await program.end()
            #expect(code == 0, "\(program.errors)")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(".json") }
            #expect(files.count == 37)
            for file in files {
                let data = try Data(contentsOf: URL(filePath: "\(folder)/\(file)"))
                let value = try? Codec.json.decode(Array(data))
                let isGood = file.hasPrefix("pass") || Self.ownRules.contains(file)
                #expect((value != nil) == isGood, "\(file)")
                guard let value else { continue }
                for codec in Codec.allCases {
                    #expect(try codec.decode(try codec.encode(value)) == value, "\(file)")
                }
            }
        }
    }
}
