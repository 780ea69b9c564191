/// Tags, comments and CDATA sections.
extension XMLReader {
    /// What begins with `<`; the root where that ends here.
    mutating func markup(_ text: inout [UInt8]) throws(Failure) -> XMLElement? {
        let start = place
        place += 1
        switch next {
        case UInt8(ascii: "/"): return try endTag(from: start, behind: &text)
        case UInt8(ascii: "!"):
            place += 1
            try declaration(&text)
            return nil
        case UInt8(ascii: "?"): throw failure(.delegated)
        default:
            try startTag(from: start, behind: &text)
            return nil
        }
    }

    private mutating func flush(_ text: inout [UInt8]) {
        guard !text.isEmpty else { return }
        let content = String(decoding: text, as: UTF8.self)
        text.removeAll(keepingCapacity: true)
        let parent = open.count - 1
        if let last = open[parent].children.indices.last {
            open[parent].children[last].tail += content
        } else {
            open[parent].text += content
        }
    }

    private mutating func startTag(from start: Int, behind text: inout [UInt8])
        throws(Failure)
    {
        var element = XMLElement(tag: try name())
        var names: Set<[UInt8]> = []
        while true {
            let hadSpace = skipSpace()
            if take(UInt8(ascii: ">")) {
                flush(&text)
                guard open.count < Self.depthLimit else { throw failure(.depth) }
                open.append(element)
                return
            }
            if take(UInt8(ascii: "/")) {
                guard take(UInt8(ascii: ">")) else { throw failure(.invalid) }
                flush(&text)
                open[open.count - 1].children.append(element)
                return
            }
            guard next != nil else { throw failure(.token, at: start) }
            guard hadSpace else { throw failure(.invalid) }
            try attribute(of: &element, &names, tag: start)
        }
    }

    private mutating func attribute(
        of element: inout XMLElement,
        _ names: inout Set<[UInt8]>,
        tag start: Int
    ) throws(Failure) {
        let place = place
        let name = try name()
        if name.utf8.starts(with: "xmlns".utf8) { throw failure(.delegated) }
        _ = skipSpace()
        guard take(UInt8(ascii: "=")) else { throw failure(.invalid) }
        _ = skipSpace()
        guard let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw failure(.invalid)
        }
        self.place += 1
        var value: [UInt8] = []
        while let byte = next, byte != quote {
            switch byte {
            case UInt8(ascii: "<"): throw failure(.invalid)
            case UInt8(ascii: "&"): try reference(into: &value)
            case UInt8(ascii: "]"):
                value.append(byte)
                self.place += 1
            case 0x09, 0x0A:
                value.append(0x20)
                self.place += 1
            case 0x0D:
                value.append(0x20)
                self.place += at(self.place + 1) == 0x0A ? 2 : 1
            default: try character(into: &value)
            }
        }
        guard take(quote) else { throw failure(.token, at: start) }
        if !names.insert(Array(name.utf8)).inserted { throw failure(.attribute, at: place) }
        element.attributes.append((name, String(decoding: value, as: UTF8.self)))
    }

    private mutating func endTag(from start: Int, behind text: inout [UInt8]) throws(Failure)
        -> XMLElement?
    {
        place += 1
        let from = place
        let name = try name()
        _ = skipSpace()
        guard next != nil else { throw failure(.token, at: start) }
        guard take(UInt8(ascii: ">")) else { throw failure(.invalid) }
        guard let element = open.last, element.tag.isSame(name) else {
            throw failure(.mismatch, at: from)
        }
        flush(&text)
        let closed = open.removeLast()
        guard !open.isEmpty else {
            try end()
            return closed
        }
        open[open.count - 1].children.append(closed)
        return nil
    }

    /// Behind the root nothing may stand, and the tag that DSPy adds does stand there if the
    /// completion closed the root by itself.
    private func end() throws(Failure) {
        guard place < bytes.count else { return }
        var place = place
        while let byte = at(place), byte == 0x20 || byte >= 0x09 && byte <= 0x0D { place += 1 }
        throw failure(.junk, at: place)
    }

    private mutating func declaration(_ text: inout [UInt8]) throws(Failure) {
        if bytes[place...].starts(with: "--".utf8) {
            place += 2
            try comment()
        } else if bytes[place...].starts(with: "[CDATA[".utf8) {
            place += 7
            try section(into: &text)
        } else {
            // Only a comment and a section may stand inside an element.
            let expected = next == UInt8(ascii: "-") ? "-" : "[CDATA["
            var matched = 0
            for byte in expected.utf8 where at(place + matched) == byte { matched += 1 }
            throw failure(.invalid, at: place + (next == UInt8(ascii: "-") ? 1 : matched))
        }
    }

    private mutating func comment() throws(Failure) {
        let start = place - 4
        var ignored: [UInt8] = []
        while let byte = next {
            if byte == UInt8(ascii: "-"), at(place + 1) == byte {
                guard at(place + 2) == UInt8(ascii: ">") else {
                    throw failure(at(place + 2) == nil ? .token : .invalid, at: place + 2)
                }
                place += 3
                return
            }
            if byte == UInt8(ascii: "]") {
                place += 1
            } else {
                try character(into: &ignored)
                ignored.removeAll(keepingCapacity: true)
            }
        }
        throw failure(.token, at: start)
    }

    private mutating func section(into text: inout [UInt8]) throws(Failure) {
        while let byte = next {
            if byte == UInt8(ascii: "]") {
                if at(place + 1) == byte, at(place + 2) == UInt8(ascii: ">") {
                    place += 3
                    return
                }
                text.append(byte)
                place += 1
            } else {
                try character(into: &text)
            }
        }
        throw failure(.cdata)
    }
}
