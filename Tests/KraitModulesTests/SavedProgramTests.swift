import KraitSignatures
import KraitTestSupport
import KraitWire
import Testing

@testable import KraitModules

@Suite struct SavedProgramTests {
    /// A file as DSPy 3.4.1 writes it, with this in the place of the predictor's demos and so on.
    static func file(
        name: String = "predict",
        demos: String = "[]",
        signature: String = state,
        lm: String = "null",
        metadata: String = versions
    ) -> String {
        """
        {"\(name)": {"traces": [], "train": [], "demos": \(demos),
          "signature": \(signature), "lm": \(lm)},
         "metadata": {"dependency_versions": \(metadata)}}
        """
    }

    static let versions = #"{"python": "3.11", "dspy": "3.4.1", "cloudpickle": "3.1"}"#
    static let state = #"""
        {"instructions": "Answer well.", "fields": [
          {"prefix": "Q:", "description": "what is asked"},
          {"prefix": "Reasoning:", "description": "${reasoning}"},
          {"prefix": "Answer:", "description": "${answer}"}]}
        """#

    static func load(
        _ text: String,
        onWarning: (String) -> Void = { Issue.record("\($0)") }
    ) throws -> Program {
        try Program.chainOfThought("question -> answer")
            .loading(SavedProgram(json: text), onWarning: onWarning)
    }

    @Test func `a saved state is laid over the program's predictors`() throws {
        let demos = #"[{"augmented": true, "question": "Why?", "reasoning": "Hm."}]"#
        let program = try Self.load(Self.file(demos: demos))
        let (name, predictor) = try #require(program.predictors.first)
        #expect(name == "predict" && program.predictors.count == 1)
        #expect(predictor.schema.instructions == "Answer well.")
        #expect(predictor.schema.field("question")?.description == "what is asked")
        #expect(predictor.demos.first?["reasoning"] == "Hm.")
    }

    @Test func `what was loaded is saved as it was, but for the versions`() throws {
        let text = Self.file(demos: #"[{"question": "\u00fc\n", "n": 1.0, "m": null}]"#)
        let saved = try Self.load(text).saved
        #expect(saved.predictors == (try SavedProgram(json: text)).predictors)
        #expect(try SavedProgram(json: saved.json) == saved)
        #expect(saved.versions == ["dspy": "3.4.1"])
    }

    @Test func `a predictor that is the whole program is saved as its own state`() throws {
        let text = #"{"demos": [], "signature": \#(Self.state), "lm": null, "metadata": "#
        let saved = try SavedProgram(json: text + #"{"dependency_versions": {}}}"#)
        #expect(saved.predictors.keys == ["self"])
        let program = try Program.predict("question -> answer").loading(saved)
        #expect(try program.saved.json.contains("self") == false)
    }

    @Test func `a file is written and read`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/program.json"
            let saved = try Self.load(Self.file()).saved
            try saved.write(to: path)
            #expect(try SavedProgram(contentsOf: path) == saved)
            let error = #expect(throws: SavedProgramError.self) {
                try SavedProgram(contentsOf: "\(folder)/none.json")
            }
            #expect(error?.code == .unreadable)
        }
    }

    @Test func `another version is a warning, as in DSPy`() throws {
        var warnings: [String] = []
        let text = Self.file(metadata: #"{"python": "3.12", "dspy": "2.6.0"}"#)
        _ = try Self.load(text) { warnings.append($0) }
        #expect(warnings.count == 1 && warnings.first?.contains("2.6.0") == true)
    }

    @Test func `fields and predictors that the program does not have are told`() throws {
        var warnings: [String] = []
        let short = #"{"instructions": "A.", "fields": [{"prefix": "Q:", "description": "q"}]}"#
        let other = #"{"others": {"demos": [], "signature": {}, "lm": null}, "#
        let text = other + Self.file(signature: short).dropFirst()
        _ = try Self.load(text) { warnings.append($0) }
        #expect(warnings.count == 2)
        #expect(warnings.first?.contains("others") == true)
        #expect(warnings.last?.contains("1 fields") == true)
    }

    static let bad: [(String, SavedProgramError.Code, String?)] = [
        ("", .malformed, nil),
        (String(file().prefix(150)), .malformed, nil),
        ("[]", .notAState, ""),
        (#"{"predict": {}}"#, .notAState, "metadata"),
        (#"{"metadata": {}}"#, .notAState, "metadata.dependency_versions"),
        (
            file(metadata: #"{"dspy": 3}"#), .notAState, "metadata.dependency_versions.dspy"
        ),
        (file(name: "predictor"), .missingPredictor, "predict"),
        (file(demos: #""none""#), .notAState, "predict.demos"),
        (file(demos: "[{}, 1]"), .notAState, "predict.demos[1]"),
        (file(signature: "null"), .notAState, "predict.signature"),
        (
            file(signature: #"{"instructions": 1, "fields": []}"#), .notAState,
            "predict.signature.instructions"
        ),
        (
            file(signature: #"{"instructions": "", "fields": [{"prefix": "Q:"}]}"#), .notAState,
            "predict.signature.fields[0].description"
        ),
        (file(lm: "1"), .notAState, "predict.lm"),
        (file(lm: "{}"), .notAState, "predict.lm.model"),
        (file(lm: #"{"model": "m", "logit_bias": {}}"#), .model, "predict.lm.logit_bias"),
        (file(lm: #"{"model": "m", "model_type": "text"}"#), .model, "predict.lm.model_type"),
        (
            file(lm: #"{"model": "m", "_dspy_lm_class": "mine.LM"}"#), .model, "predict.lm.model"
        ),
    ]

    @Test(arguments: bad)
    func `what is no saved program is refused with its place`(
        text: String,
        code: SavedProgramError.Code,
        path: String?
    ) {
        let error = #expect(throws: SavedProgramError.self) { try Self.load(text) { _ in } }
        #expect(error?.code == code, "\(String(describing: error))")
        #expect(error?.path == path)
    }

    @Test func `a file that was cut short anywhere is refused`() {
        let whole = Array(Self.file(demos: #"[{"question": "Why?"}]"#).utf8)
        for length in 0..<whole.count {
            let text = String(decoding: whole[..<length], as: UTF8.self)
            let error = #expect(throws: SavedProgramError.self) { try SavedProgram(json: text) }
            #expect(error?.code == .malformed)
        }
    }

    @Test func `an address comes from a file only where it is trusted`() throws {
        var warnings: [String] = []
        let lm = #"{"model": "openai/m", "api_base": "http://x/v1", "temperature": 0.5}"#
        let program = try Self.load(Self.file(lm: lm)) { warnings.append($0) }
        #expect(warnings.count == 1 && warnings.first?.contains("api_base") == true)
        #expect(program.predictors.first?.predictor.lm?.state["api_base"] == nil)
        let trusted = try Program.chainOfThought("question -> answer")
            .loading(SavedProgram(json: Self.file(lm: lm)), allowsUnsafeModel: true)
        #expect(trusted.predictors.first?.predictor.lm?.state["api_base"] == "http://x/v1")
    }

    @Test func `a demo that JSON has no form for is not written`() throws {
        let program = try Program.predict("q -> a").with(demos: [["q": .bytes([1])]])
        let error = #expect(throws: SavedProgramError.self) { try program.saved.json }
        #expect(error?.code == .notAState)
    }
}
