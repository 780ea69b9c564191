import Foundation
import Krait
import KraitObservability
import KraitWire
import Testing

@testable import KraitCommand
@testable import KraitControl

/// The page of failures is the tables of codes, with something to say of each.
@Suite struct FailureCatalogueTests {
    /// An entry's heading and its parts.
    struct Entry {
        let code: String
        var parts: [String] = []
    }

    private static let page: String = {
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let path = root.appending(path: "Sources/Krait/Krait.docc/Failures.md")
        return (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    }()

    /// The entries below a heading of the second level.
    private func entries(under title: String) throws -> [Entry] {
        let sections = Self.page.components(separatedBy: "\n## ")
        let section = try #require(sections.first { $0.hasPrefix(title + "\n") }, "no \(title)")
        var entries: [Entry] = []
        for line in section.split(separator: "\n") {
            if line.hasPrefix("### ") {
                let code = line.dropFirst(4).trimmingCharacters(in: ["`"])
                entries.append(Entry(code: code))
            } else if line.hasPrefix("- **"), !entries.isEmpty {
                let name = line.dropFirst(4).prefix { $0 != "*" }
                let text = line.drop { $0 != ":" }.dropFirst(2)
                #expect(!text.isEmpty, "\(entries[entries.count - 1].code): \(name) says nothing")
                entries[entries.count - 1].parts.append(String(name))
            }
        }
        for entry in entries {
            #expect(entry.parts == ["Means", "May have run", "Krait did", "You"], "\(entry.code)")
        }
        return entries
    }

    /// Each code once, and nothing that is none.
    private func check(_ title: String, has codes: [String]) throws {
        let names = try entries(under: title).map(\.code)
        #expect(Set(names).count == names.count, "an entry of \(title) is there twice")
        #expect(Set(codes).subtracting(names) == [], "codes without an entry in \(title)")
        #expect(Set(names).subtracting(codes) == [], "entries of \(title) without a code")
    }

    @Test func `each error code has its entry`() throws {
        try check("Errors of calls", has: CallError.Code.all.map(\.rawValue))
    }

    @Test func `each fault code has its entry`() throws {
        try check("Faults", has: Fault.Code.allCases.map(\.rawValue))
    }

    @Test func `each code of the control socket has its entry`() throws {
        try check("The control socket's own", has: ControlFailure.ownCodes)
    }

    @Test func `the table of exit codes is the commands' own`() {
        let rows = Self.page.split(separator: "\n").filter { $0.hasPrefix("| ") }.compactMap {
            row -> String? in
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: [" "]) }
            guard cells.count >= 2, Int(cells[0]) != nil else { return nil }
            return "\(cells[0]) \(cells[1])"
        }
        #expect(rows == ExitCode.allCases.map { "\($0.rawValue) \($0.meaning)" })
    }

    @Test func `each event the page names is one`() {
        let known = Set(Event.allCases.map(\.rawValue))
        let parts = Set(known.map { $0.prefix { $0 != "." } })
        let named = Self.page.split(separator: "`").filter { word in
            word.allSatisfy { $0.isLowercase || $0 == "." || $0 == "_" }
                && word.split(separator: ".").count == 2
                && parts.contains(word.prefix { $0 != "." })
        }
        #expect(named.count > 10)
        #expect(Set(named.map(String.init)).subtracting(known) == [])
    }
}
