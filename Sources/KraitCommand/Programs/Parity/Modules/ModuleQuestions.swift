import KraitPrompts
import KraitSignatures
import KraitWire

/// The arguments of predictions, from recorded answers, from a user's file, or random.
enum ModuleQuestions {
    /// How many random questions are made for each that can be asked, at most.
    private static let patience = 100

    static func all(of source: ParityRequest.Source, count: Int) throws -> [ValueMap] {
        switch source {
        case .corpus(let folder):
            return try CorpusFile.all(in: folder).flatMap(questions)
        case .live(let path):
            let found = try questions(CorpusFile(name: path, path: path))
            if found.isEmpty {
                throw CommandFailure(.failed, "\(path) has no line with a signature and inputs")
            }
            return found
        case .generated(_, let seed):
            var generator = QuestionGenerator(seed: seed)
            var questions: [ValueMap] = []
            for _ in 0..<(count * patience) where questions.count < count {
                if let question = question(generator.next()) { questions.append(question) }
            }
            return questions
        }
    }

    private static func questions(_ file: CorpusFile) throws -> [ValueMap] {
        try file.lines().compactMap { line in
            // Half a surrogate pair is nothing that native code could be asked about.
            guard let row = try? ParityRow(line: Array(line)) else { return nil }
            return question(row.entries)
        }
    }

    /// Nil for what is no question of a signature in text with inputs that the wire carries.
    private static func question(_ row: PythonDict) -> ValueMap? {
        let signature = row["signature"]
        let text = signature?.string ?? signature?.dict?["string"]?.string
        guard let text, let inputs = row["inputs"].flatMap(map) else { return nil }
        var question: ValueMap = ["signature": .string(text), "inputs": .map(inputs)]
        if let instructions = signature?.dict?["instructions"]?.string {
            question["signature"] = ["text": .string(text), "instructions": .string(instructions)]
        }
        if let demos = row["demos"]?.list {
            let maps = demos.compactMap(map)
            guard maps.count == demos.count else { return nil }
            question["demos"] = .list(maps.map(Value.map))
        }
        return question
    }

    private static func map(_ recorded: PythonValue) -> ValueMap? {
        guard case .dict(let values)? = PythonValue(tagged: recorded) else { return nil }
        return PythonValue.dict(values).wireValue?.map
    }
}
