extension RepairParser {
    /// An object whose opening brace, if it has one, is behind the index.
    mutating func parseObject() throws(ValueFailure) -> PythonValue {
        try deeper()
        defer { depth -= 1 }
        var object = PythonDict()
        let start = index
        let isValue = context == .value
        while true {
            try checkEffort()
            skipSpaceAndComments()
            guard let scalar = at(), scalar != "}" else { break }
            if scalar == "," {
                index += 1
                continue
            }
            if scalar == ":" { index += 1 }
            let (key, keyStart) = try parseKey(&object)
            if isInside(.array), !isValue, object[key] != nil, beginsAnotherObject(keyStart) {
                // The same key again begins the next object of the array.
                index = keyStart - 1
                text.insert("{", at: min(max(0, index + 1), text.count))
                effort += text.count / 8
                break
            }
            skipSpaceAndComments()
            guard let next = at(), next != "}" else { continue }
            index += 1
            object[key] = try parseMember()
            if at() == "," || at() == "'" || at() == "\"" { index += 1 }
            if at() == "]", isInside(.array) {
                index -= 1
                break
            }
        }
        index += 1
        if object.isEmpty, index - start > 2, let other = try parseInstead(of: start) {
            return other
        }
        try parseContinuation(&object)
        return .dict(object)
    }

    private mutating func parseMember() throws(ValueFailure) -> PythonValue {
        enter(.value)
        defer { leave() }
        skipSpaceAndComments()
        return at() == "," || at() == "}" ? .string("") : try parseValue()
    }

    /// A key and where it began.
    private mutating func parseKey(
        _ object: inout PythonDict
    ) throws(ValueFailure) -> (key: String, start: Int) {
        enter(.key)
        defer { leave() }
        var key = ""
        var start = index
        while at() != nil {
            try checkEffort()
            start = index
            if at() == "[", try mergeRows(&object) { continue }
            guard case .string(let text) = try parseString() else {
                throw .raise("AssertionError", "")
            }
            key = text
            guard key.utf8.isEmpty else { break }
            skipSpaceAndComments()
            if at() == ":" || at() == "}" { break }
        }
        return (key, start)
    }

    /// Whether a key that is there already begins a new object rather than a new value.
    private mutating func beginsAnotherObject(_ keyStart: Int) -> Bool {
        var before = keyStart - index - 1
        while at(before)?.isPythonSpace ?? false {
            before -= 1
            effort += 1
        }
        return !(isQuote(at(keyStart - index)) && at(before) == "," && at(afterSpace()) == ":")
    }

    /// At the top level more members may follow behind a brace that came too early; inside, a brace
    /// too many is passed over.
    private mutating func parseContinuation(_ object: inout PythonDict) throws(ValueFailure) {
        guard contexts.isEmpty else {
            if at() == "}", context == .array { index += 1 }
            return
        }
        skipSpace()
        guard at() == "," else { return }
        index += 1
        skipSpace()
        guard isQuote(at()), case .dict(let more) = try parseObject() else { return }
        for entry in more.entries { object[entry.key] = entry.value }
    }

    // MARK: - Arrays that go on where a key should be

    /// Appends an array at a key's place to the last member, if that is a list.
    private mutating func mergeRows(_ object: inout PythonDict) throws(ValueFailure) -> Bool {
        guard let last = object.entries.last, last.key.isTrue, case .list(var rows) = last.value
        else {
            return false
        }
        index += 1
        let more = try parseArray()
        let lengths = rows.compactMap { $0.list?.count }
        if let width = lengths.first, width > 0, lengths.allSatisfy({ $0 == width }) {
            Self.groupTail(&rows, width: width)
            if more.allSatisfy({ $0.list != nil }) {
                rows += more
            } else {
                rows.append(.list(more))
            }
        } else if more.count == 1, let only = more[0].list {
            rows += only
        } else {
            rows += more
        }
        effort += rows.count
        object[last.key] = .list(rows)
        skipSpaceAndComments()
        if at() == "," { index += 1 }
        skipSpaceAndComments()
        return true
    }

    /// Values at the end that are as many as whole rows become rows.
    private static func groupTail(_ rows: inout [PythonValue], width: Int) {
        let tail = rows.suffix(while: { $0.list == nil })
        guard !tail.isEmpty, tail.count % width == 0 else { return }
        let flat = Array(tail)
        rows.removeLast(flat.count)
        for start in stride(from: 0, to: flat.count, by: width) {
            rows.append(.list(Array(flat[start..<start + width])))
        }
    }

    // MARK: - Objects that are none

    /// What an object without members may be instead: an object with escaped quotes, or an array.
    private mutating func parseInstead(of start: Int) throws(ValueFailure) -> PythonValue? {
        effort += index - start
        let body = part(start, index - 1)
        if at(-1) == "}", Self.withoutComments(body).allSatisfy(\.isPythonSpace) { return nil }
        var inside = part(start, index + 1)
        if inside.last == "}" { inside = inside.dropLast() }
        inside = inside.withoutLeadingSpace
        guard !inside.isEmpty else { return nil }
        if Self.hasEscapedKey(inside) {
            let attempt = Self.withoutEscapes(part(start - 1, index + 1))
            let end = min(index + 1, text.count)
            text.replaceSubrange(max(0, start - 1)..<end, with: attempt)
            effort += text.count / 8
            index = start
            return try parseDeferred { parser throws(ValueFailure) in try parser.parseObject() }
        }
        let bare = Self.withoutComments(inside)[...].withoutLeadingSpace
        guard !bare.isEmpty, !Self.hasSeparator(bare) else { return nil }
        index = start
        return try parseDeferred { parser throws(ValueFailure) in .list(try parser.parseArray()) }
    }

    /// Parses as if for a key; the value behind it still stands in that context.
    private mutating func parseDeferred(
        _ parse: (inout RepairParser) throws(ValueFailure) -> PythonValue
    ) throws(ValueFailure) -> PythonValue {
        enter(.key)
        defer {
            leave()
            deferred.append(.key)
        }
        return try parse(&self)
    }

    private static func hasEscapedKey(_ body: ArraySlice<Unicode.Scalar>) -> Bool {
        let scalars = Array(body)
        guard scalars.count > 1, scalars[0] == "\\", scalars[1] == "\"" || scalars[1] == "'" else {
            return false
        }
        return scalars.indices.dropLast(2).contains {
            scalars[$0] == "\\" && scalars[$0 + 1] == scalars[1] && scalars[$0 + 2] == ":"
        }
    }

    private static func withoutEscapes(_ body: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        [Unicode.Scalar]("\"'".unicodeScalars).reduce(Array(body)) { text, quote in
            var result: [Unicode.Scalar] = []
            for scalar in text {
                if scalar == quote, result.last == "\\" { result.removeLast() }
                result.append(scalar)
            }
            return result
        }
    }

    /// Whether a colon stands outside of quotes.
    private static func hasSeparator(_ body: ArraySlice<Unicode.Scalar>) -> Bool {
        var quote: Unicode.Scalar?
        var backslashes = 0
        for scalar in body {
            if scalar == "\\" {
                backslashes += 1
                continue
            }
            if let open = quote {
                if scalar == open, backslashes % 2 == 0 { quote = nil }
            } else if backslashes % 2 == 0 {
                if quotes.contains(scalar) { quote = scalar }
                if scalar == ":" { return true }
            }
            backslashes = 0
        }
        return false
    }

    private static func withoutComments(_ body: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        let body = Array(body)
        var result: [Unicode.Scalar] = []
        var quote: Unicode.Scalar?
        var backslashes = 0
        var place = 0
        while place < body.count {
            let scalar = body[place]
            let next = place + 1 < body.count ? body[place + 1] : nil
            place += 1
            if scalar == "\\" {
                backslashes += 1
                result.append(scalar)
                continue
            }
            let isEscaped = backslashes % 2 == 1
            backslashes = 0
            if let open = quote {
                if scalar == open, !isEscaped { quote = nil }
                result.append(scalar)
            } else if quotes.contains(scalar), !isEscaped {
                quote = scalar
                result.append(scalar)
            } else if scalar == "#" || scalar == "/" && next == "/" {
                while place < body.count, body[place] != "\n", body[place] != "\r" { place += 1 }
            } else if scalar == "/", next == "*" {
                place += 1
                while place + 1 < body.count, body[place] != "*" || body[place + 1] != "/" {
                    place += 1
                }
                place = min(place + 2, body.count)
            } else {
                result.append(scalar)
            }
        }
        return result
    }
}

extension [PythonValue] {
    fileprivate func suffix(while isPart: (PythonValue) -> Bool) -> ArraySlice<PythonValue> {
        let start = lastIndex { !isPart($0) }.map { $0 + 1 } ?? 0
        return self[start...]
    }
}
