import Foundation
import KraitTestSupport
import Testing

@testable import KraitObservability

@Suite struct FileOutputTests {
    private func contents(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `lines go to the end of the file, which is its owner's`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/krait.log"
            let logger = Logger(label: "krait", handler: try .file(at: path, format: .json))
            logger.info("first")
            let second = Logger(label: "krait", handler: try .file(at: path, format: .json))
            second.info("second")
            let lines = try #require(contents(path)).split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[0].contains("first") && lines[1].contains("second"))
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a full file moves up and the oldest goes`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/krait.log"
            // Ten bytes hold two lines of five.
            let output = try FileOutput(path: path, maximumBytes: 10, maximumFiles: 3)
            for number in 1...9 { output.write("no \(number)") }
            #expect(contents(path) == "no 9\n")
            #expect(contents("\(path).1") == "no 7\nno 8\n")
            #expect(contents("\(path).2") == "no 5\nno 6\n")
            #expect(contents("\(path).3") == nil)
        }
    }

    @Test func `what an earlier process wrote counts`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/krait.log"
            try FileOutput(path: path, maximumBytes: 10, maximumFiles: 2).write("12345678")
            try FileOutput(path: path, maximumBytes: 10, maximumFiles: 2).write("next")
            #expect(contents(path) == "next\n")
            #expect(contents("\(path).1") == "12345678\n")
        }
    }

    @Test func `a line longer than a file gets one of its own`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/krait.log"
            let output = try FileOutput(path: path, maximumBytes: 10, maximumFiles: 2)
            let long = String(repeating: "x", count: 50)
            output.write(long)
            output.write("next")
            #expect(contents(path) == "next\n")
            #expect(contents("\(path).1") == "\(long)\n")
        }
    }

    @Test func `a single file is emptied when it is full`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/krait.log"
            let output = try FileOutput(path: path, maximumBytes: 10, maximumFiles: 1)
            for number in 1...3 { output.write("no \(number)") }
            #expect(contents(path) == "no 3\n")
            #expect(contents("\(path).1") == nil)
        }
    }

    @Test func `a file that cannot be moved is emptied instead of growing`() throws {
        try withTemporaryDirectory { folder in
            let path = "\(folder)/krait.log"
            // A folder of that name is not replaced by a file.
            try FileManager.default.createDirectory(
                atPath: "\(path).1/kept",
                withIntermediateDirectories: true
            )
            let output = try FileOutput(path: path, maximumBytes: 10, maximumFiles: 2)
            for number in 1...3 { output.write("no \(number)") }
            #expect(contents(path) == "no 3\n")
            #expect(FileManager.default.fileExists(atPath: "\(path).1/kept"))
        }
    }

    @Test func `lines that could not be written are counted in the next that can`() throws {
        try withTemporaryDirectory { folder in
            // A pipe takes 64 KiB, as a disk that is full after that would.
            let path = "\(folder)/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let reader = open(path, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            let output = try FileOutput(path: path, maximumBytes: 1_000_000, maximumFiles: 1)
            let line = String(repeating: "x", count: 4_095)
            for _ in 0..<20 { output.write(line) }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            #expect(read(reader, &bytes, bytes.count) == 65_536)
            output.write("back")
            let count = read(reader, &bytes, bytes.count)
            #expect(
                String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
                    == "(4 lines left out: they could not be written)\nback\n"
            )
        }
    }

    @Test func `a file that cannot be opened says which and why`() throws {
        let error = try #require(throws: LogFileError.self) {
            try FileOutput(path: "/nonexistent/krait.log", maximumBytes: 10, maximumFiles: 1)
        }
        #expect(
            error.description
                == "cannot open the log file /nonexistent/krait.log: No such file or directory; "
                + "name a file in a folder that can be written"
        )
    }
}
