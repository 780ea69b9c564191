/// How long files, functions and lines may be.
enum Lengths {
    static let fileLines = 400
    static let functionLines = 70
    static let columns = 100

    static func findings(in file: SourceFile) -> [Finding] {
        guard file.isSwift || file.isPython else { return [] }
        var findings: [Finding] = []
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        if count > fileLines {
            findings.append(Finding(file, "\(count) lines, more than \(fileLines)"))
        }
        for (index, line) in file.lines.enumerated() where line.count > columns {
            findings.append(Finding(file, index + 1, "\(line.count) columns, more than \(columns)"))
        }
        for (line, length) in file.isSwift ? swiftFunctions(file) : pythonFunctions(file)
        where length > functionLines {
            let text = "a function of \(length) lines, more than \(functionLines)"
            findings.append(Finding(file, line, text))
        }
        return findings
    }

    // MARK: Swift

    /// The functions with a body: where each begins, and how many lines it has.
    static func swiftFunctions(_ file: SourceFile) -> [(line: Int, length: Int)] {
        file.code.indices.compactMap { index in
            guard let start = declaration(in: file.code[index]) else { return nil }
            return length(file.code, from: index, start).map { (index + 1, $0) }
        }
    }

    private static func declaration(in code: String) -> String.Index? {
        for word in ["func", "init", "deinit", "subscript"] {
            for range in code.ranges(ofWord: word) {
                let isCall = code[..<range.lowerBound].last.map { ".#\\".contains($0) } ?? false
                if !isCall { return range.upperBound }
            }
        }
        return nil
    }

    /// The lines from a declaration to its body's end; nil where there is no body.
    private static func length(_ code: [String], from first: Int, _ start: String.Index) -> Int? {
        var (round, curly) = (0, 0)
        for index in code.indices[first...] {
            let line = index == first ? code[index][start...] : code[index][...]
            if index > first, round == 0, curly == 0, !continuesSignature(line) { return nil }
            for character in line {
                switch character {
                case "(", "[": round += 1
                case ")", "]": round -= 1
                case "{" where round == 0 || curly > 0: curly += 1
                case "}" where curly > 0:
                    curly -= 1
                    if curly == 0 { return index - first + 1 }
                default: break
                }
            }
        }
        return nil
    }

    private static func continuesSignature(_ line: Substring) -> Bool {
        let text = line.drop { $0 == " " }
        let beginnings = ["{", ")", "->", "async", "throws", "rethrows", "where", "<"]
        return beginnings.contains { text.hasPrefix($0) }
    }

    // MARK: Python

    /// The functions: where each begins, and how many lines it has without blank ones at its end.
    static func pythonFunctions(_ file: SourceFile) -> [(line: Int, length: Int)] {
        file.lines.indices.compactMap { first in
            let head = file.lines[first].drop { $0 == " " }
            guard head.hasPrefix("def ") || head.hasPrefix("async def ") else { return nil }
            let indentation = file.lines[first].count - head.count
            var last = first
            var depth = 0
            while last < file.lines.count {
                depth += file.lines[last].reduce(0) { $0 + ("([{".contains($1) ? 1 : 0) }
                depth -= file.lines[last].reduce(0) { $0 + (")]}".contains($1) ? 1 : 0) }
                if depth <= 0 { break }
                last += 1
            }
            for index in file.lines.indices.dropFirst(last + 1) {
                let text = file.lines[index].drop { $0 == " " }
                if text.isEmpty { continue }
                if file.lines[index].count - text.count <= indentation { break }
                last = index
            }
            return (first + 1, last - first + 1)
        }
    }
}
