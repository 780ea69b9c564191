import Foundation
import KraitTestSupport
import Testing

@testable import KraitWorkers

@Suite struct PythonEnvironmentTests {
    /// A folder with programs and virtual environments in it.
    private struct Tree {
        var root: String

        func program(_ path: String, mode: Int = 0o755) throws {
            let whole = "\(root)/\(path)"
            let folder = URL(filePath: whole).deletingLastPathComponent()
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true
            )
            try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: whole))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: whole)
        }

        func folder(_ path: String) throws {
            try FileManager.default.createDirectory(
                atPath: "\(root)/\(path)",
                withIntermediateDirectories: true
            )
        }

        func find(
            _ name: String?,
            path: String = "",
            preset: String? = nil,
            from folder: String = ""
        ) throws(LaunchError) -> String {
            var environment = ["PATH": path]
            environment["KRAIT_PYTHON"] = preset
            let found = try PythonEnvironment.find(
                named: name,
                environment: environment,
                from: folder.isEmpty ? root : "\(root)/\(folder)"
            )
            return found.interpreter.replacing(root, with: "ROOT")
        }
    }

    private func withTree(_ body: (Tree) throws -> Void) throws {
        try withTemporaryDirectory { try body(Tree(root: $0)) }
    }

    @Test func `an interpreter may be named by its path`() throws {
        try withTree { tree in
            try tree.program("tools/python3")
            #expect(try tree.find("\(tree.root)/tools/python3") == "ROOT/tools/python3")
            #expect(try tree.find("tools/python3") == "ROOT/tools/python3")
            #expect(try tree.find("./tools/python3") == "ROOT/./tools/python3")
        }
    }

    @Test func `a virtual environment may be named by its folder`() throws {
        try withTree { tree in
            try tree.program("env/bin/python")
            for name in ["env", "env/", "./env", "\(tree.root)/env"] {
                #expect(try tree.find(name).hasSuffix("/bin/python"))
            }
            // A folder of that name goes before a program on the search path.
            try tree.program("path/env")
            #expect(try tree.find("env", path: "\(tree.root)/path") == "ROOT/env/bin/python")
        }
    }

    @Test func `a bare name is looked for on the search path, in its order`() throws {
        try withTree { tree in
            try tree.program("a/python3.12", mode: 0o644)
            try tree.folder("b/python3.12")
            try tree.program("c/python3.12")
            try tree.program("d/python3.12")
            let path = ["a", "b", "c", "d"].map { "\(tree.root)/\($0)" }.joined(separator: ":")
            #expect(try tree.find("python3.12", path: path) == "ROOT/c/python3.12")
            #expect(try tree.find("python3.12", path: "a::c") == "ROOT/c/python3.12")
        }
    }

    @Test func `KRAIT_PYTHON counts where nothing is named, unless it is empty`() throws {
        try withTree { tree in
            try tree.program("one/python")
            try tree.program("two/python")
            try tree.program(".venv/bin/python")
            #expect(try tree.find("one/python", preset: "two/python") == "ROOT/one/python")
            #expect(try tree.find(nil, preset: "two/python") == "ROOT/two/python")
            #expect(try tree.find(nil, preset: "") == "ROOT/.venv/bin/python")
        }
    }

    @Test func `the nearest virtual environment above is taken before the search path`() throws {
        try withTree { tree in
            try tree.program("path/python3")
            try tree.folder("project/deep/down")
            let path = "\(tree.root)/path"
            #expect(
                try tree.find(nil, path: path, from: "project/deep/down") == "ROOT/path/python3"
            )
            try tree.program(".venv/bin/python")
            #expect(
                try tree.find(nil, path: path, from: "project/deep/down") == "ROOT/.venv/bin/python"
            )
            try tree.program("project/.venv/bin/python")
            #expect(
                try tree.find(nil, path: path, from: "project/deep/down")
                    == "ROOT/project/.venv/bin/python"
            )
            #expect(
                try tree.find(nil, path: path, from: "project/deep/down/")
                    == "ROOT/project/.venv/bin/python"
            )
        }
    }

    @Test func `python3.11 is taken before python3`() throws {
        try withTree { tree in
            try tree.program("a/python3")
            try tree.program("b/python3.11")
            #expect(
                try tree.find(nil, path: "\(tree.root)/a:\(tree.root)/b") == "ROOT/b/python3.11"
            )
        }
    }

    @Test func `what is named and not there is a final error that names it`() throws {
        try withTree { tree in
            try tree.folder("empty")
            try tree.program("text", mode: 0o644)
            for name in ["nowhere/python", "python-none", "empty", "text", "./text"] {
                do {
                    _ = try tree.find(name, path: tree.root)
                    Issue.record("\(name) was found")
                } catch let error as LaunchError {
                    #expect(error.isFinal && error.reason.contains("`\(name)`"))
                }
            }
            #expect(throws: LaunchError.self) { try tree.find(nil, preset: "nowhere") }
        }
    }

    @Test func `no interpreter at all is a final error that says what to do`() throws {
        try withTree { tree in
            do {
                _ = try tree.find(nil)
                Issue.record("one was found")
            } catch let error as LaunchError {
                #expect(error.isFinal && error.reason.contains("install Python 3.11"))
            }
        }
    }
}
