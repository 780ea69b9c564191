/// Checks of what stands in a column's cells, where the type says more than how many bytes.
extension Table.Column {
    func checkContent() throws(TableError) {
        switch type.layout {
        case .bytes(_, isText: true): try checkTexts()
        case .dictionary(let index): try checkIndices(index)
        default: break
        }
    }

    private func checkTexts() throws(TableError) {
        guard count > 0, let values else { return }
        let whole = extent(of: 0).lowerBound..<extent(of: count - 1).upperBound
        let isGood = values.withUnsafeBytes { bytes in
            ExactText.isASCII(UnsafeRawBufferPointer(rebasing: bytes[whole]))
                || areTexts(UnsafeRawBufferPointer(bytes))
        }
        guard isGood else { throw .malformed("", "a text that is not UTF-8") }
    }

    /// What lies under a null means nothing, and need not be UTF-8.
    private func areTexts(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (0..<count).allSatisfy { index in
            let text = UnsafeRawBufferPointer(rebasing: bytes[extent(of: index)])
            return ExactText.isUnicode(text) || isNull(at: index)
        }
    }

    private func checkIndices(_ index: NumberType) throws(TableError) {
        guard let values, let known = children.first?.count else { return }
        let areGood = values.withUnsafeBytes { bytes in
            switch index {
            case .int8: areBelow(known, bytes.bindMemory(to: Int8.self))
            case .int16: areBelow(known, bytes.bindMemory(to: Int16.self))
            case .int32: areBelow(known, bytes.bindMemory(to: Int32.self))
            case .int64: areBelow(known, bytes.bindMemory(to: Int64.self))
            case .uint8: areBelow(known, bytes.bindMemory(to: UInt8.self))
            case .uint16: areBelow(known, bytes.bindMemory(to: UInt16.self))
            case .uint32: areBelow(known, bytes.bindMemory(to: UInt32.self))
            case .uint64: areBelow(known, bytes.bindMemory(to: UInt64.self))
            default: false
            }
        }
        guard areGood else { throw .malformed("", "an index beyond its dictionary") }
    }

    private func areBelow<T: FixedWidthInteger>(
        _ known: Int,
        _ indices: UnsafeBufferPointer<T>
    ) -> Bool {
        let indices = indices[..<count]
        let areAll = indices.allSatisfy { $0 >= 0 && $0 < known }
        return areAll
            || indices.indices.allSatisfy { position in
                isNull(at: position) || (indices[position] >= 0 && indices[position] < known)
            }
    }
}
