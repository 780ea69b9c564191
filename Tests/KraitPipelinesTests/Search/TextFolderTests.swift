import Foundation
import KraitPipelines
import KraitTestSupport
import Testing

/// Runs a test with a folder of its own.
private func withFolder(_ body: (Folder) throws -> Void) throws {
    try withTemporaryDirectory { path in try body(Folder(path: path)) }
}

private struct Folder {
    let path: String

    func write(_ name: String, _ data: Data) throws {
        let url = URL(fileURLWithPath: path).appending(path: name)
        let folder = url.deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try data.write(to: url)
    }

    func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(path)/\(name)",
            withDestinationPath: target
        )
    }
}

struct TextFolderTests {
    static let page = """
        <!DOCTYPE html><html><head><title>Big &amp; small</title>
        <style>p { color: red }</style></head>
        <body><nav><p>zebra navigation</p></nav>
        <div class="x" role="navigation"><div>zebra</div> more zebra</div>
        <h1>First <em>part</em><a class="headerlink" href="#x">¶</a></h1>
        <p>Caf&eacute; &lt;b&gt; &#8211; &#xA9; &unknown; AT&T a < b</p>
        <ul><li><a href="x">Only a link about zebras</a></li>
        <li>An item with <a>one</a> link.</li></ul>
        <h2>Second part</h2><pre>
        keep
          this
        </pre><!-- zebra > --><script>if (a < b) { zebra("</p>") }</script>
        <table><tr><td>left</td><td>right</td></tr></table>
        <img alt="a > b"><p>one<br>two
        </body></html>
        """

    @Test func `a folder's texts are indexed and the rest is reported`() throws {
        try withFolder { folder in
            try folder.write("page.html", Self.page)
            try folder.write("sub/notes.md", "# Notes\n\nAbout whales.")
            try folder.write("sub/plain.txt", "Plain pigeons.")
            try folder.write("sub/UPPER.TXT", "Upper case.")
            try folder.write("README", "Readme robins.")
            try folder.write(".hidden/x.txt", "zebra")
            try folder.write("_sources/x.txt", "zebra")
            try folder.write("image.png", "zebra")
            try folder.write("old.txt.gz", "zebra")
            try folder.write("latin.txt", Data([0x7A, 0xE9]))
            try folder.write("binary.txt", Data([0x7A, 0x00, 0x7A]))
            try folder.write("empty.txt", " \n\n ")
            try folder.link("sub/loop", to: folder.path)
            try folder.link("nowhere.txt", to: "\(folder.path)/missing")
            try folder.link("linked.txt", to: "\(folder.path)/sub/notes.md")
            try folder.link("device.txt", to: "/dev/zero")
            let index = try TextIndex.load(folder: folder.path)
            let reasons = Dictionary(
                uniqueKeysWithValues: index.skipped.map { ($0.path, $0.reason) }
            )
            #expect(
                reasons == [
                    ".hidden": "its name begins with .", "_sources": "its name begins with _",
                    "binary.txt": "it is not UTF-8 text", "latin.txt": "it is not UTF-8 text",
                    "device.txt": "neither a file nor a folder", "empty.txt": "it has no text",
                    "image.png": "files that end with .png are not read",
                    "nowhere.txt": "it cannot be opened",
                    "old.txt.gz": "files that end with .gz are not read",
                    "sub/loop": "a link to a folder",
                ]
            )
            #expect(index.documentCount == 6)
            #expect(index.search("zebra", top: 9).isEmpty)
            #expect(index.search("robin", top: 9).map(\.document) == ["README"])
            #expect(index.search("pigeon", top: 9).map(\.document) == ["sub/plain.txt"])
            #expect(
                index.skipped.map(\.description).contains(
                    "image.png: \(reasons["image.png"] ?? "")"
                )
            )
        }
    }

    @Test func `a page keeps its own text only`() throws {
        try withFolder { folder in
            try folder.write("page.html", Self.page)
            let index = try TextIndex.load(folder: folder.path)
            let first = try #require(index.search("café", top: 9).first)
            #expect(first.title == "Big & small")
            #expect(first.section == "First part")
            #expect(
                first.text == "Café <b> – © &unknown; AT&T a < b\nAn item with one link."
            )
            let second = try #require(index.search("second", top: 1).first)
            #expect(second.text == "keep\n  this\nleft right\none two")
        }
    }

    @Test(arguments: [
        "<nav>never closed <p>the whale", "<script>never closed <p>the whale",
        "<h1>never closed <p>the whale", "<p the whale", "<!-- no end <p>the whale",
        "<title>never closed <p>the whale", "the whale </nav></h1></a></pre>", "<<<p>the whale",
        "<div role=navigation><div>the whale", "<pre><h2>a</h2>the whale",
    ])
    func `broken markup never loses the process`(_ page: String) throws {
        try withFolder { folder in
            try folder.write("a.html", page)
            try folder.write("b.txt", "fallback")
            let index = try TextIndex.load(folder: folder.path)
            let isComment = page.hasPrefix("<!--")
            #expect(index.search("whale", top: 1).isEmpty == isComment)
        }
    }

    @Test func `what lies beyond a limit is reported`() throws {
        try withFolder { folder in
            try folder.write("a.txt", "small")
            try folder.write("b.txt", String(repeating: "large ", count: 100))
            try folder.write("c.txt", "small too")
            try folder.write("d.txt", "not reached")
            let small = TextIndex.Limits(fileBytes: 100)
            #expect(
                try TextIndex.load(folder: folder.path, limits: small).skipped.map(\.description)
                    == ["b.txt: 600 bytes; at most 100 are read"]
            )
            let few = TextIndex.Limits(files: 3)
            #expect(
                try TextIndex.load(folder: folder.path, limits: few).skipped.map(\.description)
                    == [".: more than 3 files; the rest is not read"]
            )
            let total = TextIndex.Limits(totalBytes: 15)
            #expect(
                try TextIndex.load(folder: folder.path, limits: total).skipped.map(\.path)
                    == ["b.txt", "d.txt"]
            )
        }
    }

    @Test func `folders within folders are read so deep and no deeper`() throws {
        try withFolder { folder in
            let deep = Array(repeating: "d", count: 33).joined(separator: "/")
            try folder.write("a.txt", "top")
            try folder.write("\(deep)/b.txt", "bottom")
            let index = try TextIndex.load(folder: folder.path)
            #expect(index.skipped.map(\.reason) == ["folders within folders, deeper than 32"])
        }
    }

    @Test func `a folder that is none or has no text is an error`() throws {
        let missing = #expect(throws: TextIndexError.self) {
            try TextIndex.load(folder: "/nowhere/at/all")
        }
        #expect(missing?.reason == "it is not a folder that can be read")
        try withFolder { folder in
            try folder.write("image.png", "x")
            let empty = #expect(throws: TextIndexError.self) {
                try TextIndex.load(folder: folder.path)
            }
            #expect(empty?.description.contains("1 were skipped, such as image.png") == true)
            #expect(throws: TextIndexError.self) {
                try TextIndex.load(folder: "\(folder.path)/image.png")
            }
        }
    }

    @Test func `the same folder gives the same answers`() throws {
        try withFolder { folder in
            for number in 0..<20 {
                try folder.write("\(number).txt", "the same whale \(number % 3)")
            }
            let first = try TextIndex.load(folder: folder.path).search("whale 1", top: 20)
            #expect(try TextIndex.load(folder: folder.path).search("whale 1", top: 20) == first)
        }
    }
}
