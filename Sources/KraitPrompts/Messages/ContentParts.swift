import KraitSignatures

/// Splits a user's text where images, files and the like stand in it.
///
/// DSPy writes them into the text as JSON between two marks and takes them out again at the end;
/// text that holds the marks by itself is treated in the same way.
enum ContentParts {
    private static let opening = Array("<<CUSTOM-TYPE-START-IDENTIFIER>>".utf8)
    private static let closing = Array("<<CUSTOM-TYPE-END-IDENTIFIER>>".utf8)

    /// The text, or its parts if there is a mark in it.
    static func split(_ text: String) throws(PromptError) -> Message.Content {
        let isMarked = text.withUTF8Bytes { Ambiguity.find(opening, in: $0, from: 0) != nil }
        guard isMarked else { return .text(text) }
        return .parts(
            try text.withUTF8Bytes { bytes throws(PromptError) in try parts(of: bytes) }
        )
    }

    private static func parts(of bytes: UnsafeBufferPointer<UInt8>) throws(PromptError)
        -> [PythonValue]
    {
        var parts: [PythonValue] = []
        var place = 0
        func text(_ range: Range<Int>) -> String {
            String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
        while let start = Ambiguity.find(opening, in: bytes, from: place),
            let end = Ambiguity.find(closing, in: bytes, from: start + opening.count)
        {
            if start > place { parts.append(part(text(place..<start))) }
            let payload = PythonSpace.strip(bytes, start + opening.count..<end)
            parts += try blocks(text(payload))
            place = end + closing.count
        }
        if place < bytes.count { parts.append(part(text(place..<bytes.count))) }
        return parts
    }

    private static func part(_ text: String) -> PythonValue {
        .dict(
            PythonDict(uniqueEntries: [
                (.string("type"), .string("text")), (.string("text"), .string(text)),
            ])
        )
    }

    /// The blocks that stand between the marks: JSON, or JSON inside a JSON string.
    private static func blocks(_ payload: String) throws(PromptError) -> [PythonValue] {
        guard case .list(let items) = try read(payload) else { return [part(payload)] }
        return items.map { item in
            if case .dict = item { return item }
            return part(item.text)
        }
    }

    private static func read(_ payload: String) throws(PromptError) -> PythonValue {
        if let value = try? JSONText.read(payload) { return value }
        if case .string(let inner)? = try? JSONText.read("\"" + payload + "\""),
            let value = try? JSONText.read(inner)
        {
            return value
        }
        do {
            return try JSONRepair.loads(payload)
        } catch {
            throw PromptError(error)
        }
    }
}
