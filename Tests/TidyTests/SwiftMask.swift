/// Blanks comments and the contents of strings, line by line, so that rules see code only.
///
/// What is interpolated into a string is code and stays. Regular-expression literals are taken for
/// code, which is what they look like.
struct SwiftMask {
    private enum Place: Equatable {
        /// Code; inside of an interpolation with the number of open parentheses.
        case code(parentheses: Int?)
        case string(hashes: Int, isMultiline: Bool)
        case blockComment
    }

    private var places: [Place] = [.code(parentheses: nil)]

    /// What may begin or end something; all else is passed over at once.
    private static let signs = Set("/*\"#`()\\".utf8)

    /// The line's code; a comment begun in an earlier line is remembered.
    mutating func masked(_ line: String) -> String {
        var rest = Array(line.utf8)[...]
        var masked: [UInt8] = []
        while let first = rest.first {
            let plain = rest.prefix { !Self.signs.contains($0) }
            if case .code = places.last { masked += plain }
            rest = rest.dropFirst(plain.count)
            if !plain.isEmpty { continue }
            switch places.last {
            case .blockComment: skipComment(&rest)
            case .string(let hashes, let isMultiline):
                skipString(&rest, hashes, isMultiline, into: &masked)
            case .code, nil:
                if rest.begins("//") { rest = [] } else { takeCode(&rest, first, into: &masked) }
            }
        }
        // A string that is not multiline ends with its line at the latest.
        if case .string(_, isMultiline: false) = places.last { places.removeLast() }
        return String(decoding: masked, as: UTF8.self)
    }

    private mutating func takeCode(
        _ rest: inout ArraySlice<UInt8>,
        _ first: UInt8,
        into masked: inout [UInt8]
    ) {
        if rest.begins("/*") {
            places.append(.blockComment)
            rest = rest.dropFirst(2)
            return
        }
        if rest.begins("`"), let end = rest.dropFirst().firstIndex(of: first) {
            // A name in backticks may be a sentence: its words are no code.
            masked += "`name`".utf8
            rest = rest[(end + 1)...]
            return
        }
        let hashes = rest.prefix { $0 == UInt8(ascii: "#") }.count
        if rest.dropFirst(hashes).begins("\"") {
            let quotes = rest.dropFirst(hashes).begins("\"\"\"") ? 3 : 1
            places.append(.string(hashes: hashes, isMultiline: quotes == 3))
            masked += "\"".utf8
            rest = rest.dropFirst(hashes + quotes)
            return
        }
        if case .code(let open?) = places.last {
            places.removeLast()
            let depth = open + (rest.begins("(") ? 1 : rest.begins(")") ? -1 : 0)
            if depth > 0 { places.append(.code(parentheses: depth)) }
        }
        masked.append(first)
        rest = rest.dropFirst()
    }

    private mutating func skipString(
        _ rest: inout ArraySlice<UInt8>,
        _ hashes: Int,
        _ isMultiline: Bool,
        into masked: inout [UInt8]
    ) {
        let pounds = String(repeating: "#", count: hashes)
        let end = (isMultiline ? "\"\"\"" : "\"") + pounds
        if rest.begins(end) {
            places.removeLast()
            masked += "\"".utf8
            rest = rest.dropFirst(end.utf8.count)
        } else if rest.begins("\\\(pounds)(") {
            places.append(.code(parentheses: 1))
            masked += "(".utf8
            rest = rest.dropFirst(hashes + 2)
        } else if rest.begins("\\\(pounds)") {
            rest = rest.dropFirst(hashes + 2)
        } else {
            rest = rest.dropFirst()
        }
    }

    private mutating func skipComment(_ rest: inout ArraySlice<UInt8>) {
        if rest.begins("*/") {
            places.removeLast()
            rest = rest.dropFirst(2)
        } else if rest.begins("/*") {
            places.append(.blockComment)
            rest = rest.dropFirst(2)
        } else {
            rest = rest.dropFirst()
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func begins(_ text: String) -> Bool { starts(with: text.utf8) }
}
