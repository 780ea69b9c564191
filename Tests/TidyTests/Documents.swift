/// What documents show and name must be there.
enum Documents {
    /// The Swift code a document shows: where each block begins, and its text.
    static func swiftBlocks(in file: SourceFile) -> [(line: Int, text: String)] {
        var blocks: [(line: Int, text: String)] = []
        var open: (line: Int, lines: [String])?
        for (index, line) in file.lines.enumerated() {
            if let block = open {
                if line == "```" {
                    blocks.append((block.line, block.lines.joined(separator: "\n") + "\n"))
                    open = nil
                } else {
                    open = (block.line, block.lines + [line])
                }
            } else if line == "```swift" {
                open = (index + 1, [])
            }
        }
        return blocks
    }

    /// Each block of Swift in the document is, to the byte, one of the example files.
    static func exampleFindings(in document: SourceFile, examples: [SourceFile]) -> [Finding] {
        let compiled = Set(examples.map { $0.lines.joined(separator: "\n") })
        return swiftBlocks(in: document).filter { !compiled.contains($0.text) }.map { block in
            Finding(document, block.line, "this code is no file of Tests/ReadmeExamples")
        }
    }

    /// Each link to a file leads to one.
    static func linkFindings(in document: SourceFile, exists: (String) -> Bool) -> [Finding] {
        var findings: [Finding] = []
        let folder = document.path.split(separator: "/").dropLast()
        for (index, line) in document.lines.enumerated() {
            for piece in line.split(separator: "](").dropFirst() {
                let link = piece.prefix { $0 != ")" && $0 != "#" && $0 != " " }
                if link.isEmpty || link.contains(":") { continue }
                var path = folder
                for part in link.split(separator: "/") {
                    if part == ".." { _ = path.popLast() } else if part != "." { path.append(part) }
                }
                if !exists(path.joined(separator: "/")) {
                    findings.append(Finding(document, index + 1, "there is no \(link)"))
                }
            }
        }
        return findings
    }
}
