/// How tests are written.
enum Suites {
    static func findings(in file: SourceFile) -> [Finding] {
        guard file.isTest, file.isSwift else { return [] }
        var findings: [Finding] = []
        var firstAsync: Int?
        for (index, code) in file.code.enumerated() where declaresTest(index, in: file) {
            let signature = code + (index + 1 < file.code.count ? file.code[index + 1] : "")
            if !code.contains("`name`") {
                findings.append(Finding(file, index + 1, "a test's name is a sentence in `…`"))
            }
            if signature.contains(word: "async") { firstAsync = firstAsync ?? index + 1 }
        }
        if let firstAsync, !file.code.contains(where: { $0.contains(".timeLimit(") }) {
            findings.append(Finding(file, firstAsync, "asynchronous tests need a .timeLimit"))
        }
        for (index, code) in file.code.enumerated() where code.contains(word: "XCTest") {
            findings.append(Finding(file, index + 1, "tests are written with Swift Testing"))
        }
        return findings
    }

    /// Whether a function is declared in the line, and `@Test` stands in it or above it.
    private static func declaresTest(_ index: Int, in file: SourceFile) -> Bool {
        guard file.code[index].contains(word: "func") else { return false }
        if file.code[index].contains(word: "@Test") { return true }
        // The attribute's arguments may take some lines; another declaration ends the search.
        for code in file.code[..<index].reversed().prefix(80) {
            if code.contains(word: "func") || code.contains(word: "struct") { return false }
            if code.contains(word: "@Test") { return true }
            let text = code.drop { $0 == " " }
            if text.isEmpty || text.hasPrefix("}") { return false }
        }
        return false
    }
}
