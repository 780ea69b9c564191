import Foundation
import Krait
import Testing

/// The catalogue of DSPy's names, and what it refuses before anything is sent.
@Suite struct DSPyNameTests {
    static let entries = DSPyName.all

    @Test func `the table has each name once, and each line is read`() {
        #expect(Self.entries.count > 140)
        #expect(Set(Self.entries.map(\.name)).count == Self.entries.count)
        #expect(Set(Self.entries.map(\.kind)) == Set(DSPyName.Kind.allCases))
        #expect(Set(Self.entries.map(\.reach)) == Set(DSPyName.Reach.allCases))
        for entry in Self.entries where entry.reach == .nowhere {
            #expect(!entry.note.isEmpty, "\(entry.name)")
        }
    }

    @Test func `a name is found with its packages, and the docs tell of each`() throws {
        #expect(DSPyName.find("dspy.retrievers.Embeddings") == DSPyName.find("Embeddings"))
        #expect(DSPyName.find("predict.KNN")?.constructor.text.hasPrefix("k:int ") == true)
        #expect(DSPyName.find("ChainOfThougt") == nil)
        let page = "\(TestPools.root)/Sources/Krait/Krait.docc/DSPyNames.md"
        let docs = try String(contentsOfFile: page, encoding: .utf8)
        for entry in Self.entries { #expect(docs.contains("| `\(entry.name)` |")) }
    }

    @Test(arguments: DSPyObjectTests.rows.map(\.object.name))
    func `the makers' arguments are those of the catalogue`(name: String) throws {
        for row in DSPyObjectTests.rows where row.object.name == name { _ = try row.object.spec() }
    }

    struct Misfit: Sendable, CustomTestStringConvertible {
        var object: DSPyObject
        var words: [String]
        var testDescription: String { words[0] }
    }

    static let predict = DSPyObject.predict("question -> answer")
    static let misfits: [Misfit] = [
        Misfit(
            object: DSPyObject("ChainOfThougt", signature: "a -> b"),
            words: ["spec.module", "DSPy 3.4.1 has no ChainOfThougt", "mean ChainOfThought?"]
        ),
        Misfit(object: DSPyObject("load"), words: ["spec.module", "unpickles"]),
        Misfit(
            object: DSPyObject("BestOfN", ["N": 3]),
            words: ["spec.arguments.module", "missing", "BestOfN"]
        ),
        Misfit(
            object: DSPyObject("KNN", ["k": "3", "trainset": [], "vectorizer": 1]),
            words: ["spec.arguments.k", "int", "not text"]
        ),
        Misfit(
            object: DSPyObject("Parallel", ["thread": 3]),
            words: ["spec.arguments.thread", "no such argument"]
        ),
        Misfit(
            object: .bestOf(
                2,
                of: DSPyObject("Predic"),
                threshold: 1,
                reward: DSPyObjectTests.reward
            ),
            words: ["spec.arguments.module.module", "mean Predict?"]
        ),
    ]

    @Test(arguments: misfits)
    func `what does not fit is refused before it is sent`(misfit: Misfit) throws {
        let error = #expect(throws: CallError.self) { try misfit.object.spec() }
        #expect(error?.code == .invalidInput)
        #expect(error?.delivery == .notSent)
        let message = error?.message ?? ""
        for word in misfit.words { #expect(message.contains(word), "\(message)") }
    }

    @Test func `a program of one's own is left to Python, and data is not read as a spec`() throws {
        let own = DSPyObject.program("triage", ["limits": .value(["tool": "hammer"])])
        let spec: Value = [
            "module": "triage", "arguments": ["limits": ["plain": ["tool": "hammer"]]],
        ]
        #expect(try own.spec() == spec)
        #expect(
            try Self.predict.spec() == ["module": "Predict", "signature": "question -> answer"]
        )
    }
}
