import KraitWire

/// One rendering of a template: its output so far, where it is, and what it has used up.
struct Rendering {
    /// The text so far: the template's, or that of the macro or block that is being captured.
    var output: [UInt8] = []
    /// The slots of the function that runs.
    var frame: TemplateFrame
    /// The names of the template that runs.
    var context: TemplateContext
    /// The template that runs.
    var unit: TemplateUnit
    /// Where in that template.
    var position = TemplatePosition()
    let environment: TemplateEnvironment
    let undefinedNames: TemplateOptions.UndefinedNames
    private let limits: TemplateLimits

    private var repetitions = 0
    private var work = 0
    private var calls = 0
    private let stackBase: UInt
    /// What may refer to itself and is taken apart when the rendering ends.
    private var kept: [any KeptByRendering] = []

    init(
        _ environment: TemplateEnvironment,
        unit: TemplateUnit,
        context: TemplateContext,
        stackBase: UInt
    ) {
        self.environment = environment
        self.unit = unit
        self.context = context
        self.stackBase = stackBase
        limits = environment.options.limits
        undefinedNames = environment.options.undefinedNames
        frame = TemplateFrame(slots: unit.root.slotCount, parent: nil)
    }

    // MARK: Bounds

    /// Counts elements that are gone over.
    mutating func spend(_ count: Int) throws(TemplateError) {
        let (sum, overflows) = repetitions.addingReportingOverflow(count)
        repetitions = sum
        guard !overflows, sum <= limits.repetitions else {
            let limit = "loops and filters go over more than \(limits.repetitions) elements"
            throw TemplateError(.limit, limit)
        }
    }

    func check(length: Int) throws(TemplateError) {
        guard length <= limits.outputBytes else {
            throw TemplateError(.limit, "the text would be longer than \(limits.outputBytes) bytes")
        }
    }

    /// Counts text made on the way, and gives it back.
    mutating func made(_ text: String) throws(TemplateError) -> String {
        try count(bytes: text.utf8.count)
        return text
    }

    /// Counts text made on the way, and gives it as such.
    mutating func text(_ bytes: [UInt8]) throws(TemplateError) -> String {
        try count(bytes: bytes.count)
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func count(bytes: Int) throws(TemplateError) {
        try check(length: bytes)
        work += bytes
        guard work <= limits.workBytes else {
            let limit = "more than \(limits.workBytes) bytes of text are made on the way"
            throw TemplateError(.limit, limit)
        }
    }

    func check(extensions: Int) throws(TemplateError) {
        guard extensions <= limits.calls else {
            throw TemplateError(.limit, "more than \(limits.calls) templates extend each other")
        }
    }

    func check(rangeLength: Int) throws(TemplateError) {
        guard rangeLength <= limits.rangeLength else {
            throw TemplateError(.limit, "a range may have \(limits.rangeLength) elements at most")
        }
    }

    /// Runs `body` one call deeper, and refuses where that is too deep.
    mutating func deeper<Result>(
        _ body: (inout Rendering) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        calls += 1
        defer { calls -= 1 }
        var marker = 0
        let here = withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
        let used = stackBase > here ? stackBase - here : here - stackBase
        // Far away is another stack: that of a sanitizer, which has room.
        let isTooDeep = used > TemplateLimits.stackBytes && used < 64 << 20
        guard calls <= limits.calls, !isTooDeep else {
            let what = "macros, includes, blocks or recursive loops call each other"
            throw TemplateError(.limit, "\(what) deeper than \(limits.calls)")
        }
        return try body(&self)
    }

    /// An address on the stack of the caller.
    static func stackAddress() -> UInt {
        var marker = 0
        return withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
    }

    // MARK: Functions of a template

    /// Runs `body` with another function's slots, names and template.
    mutating func entering<Result>(
        _ frame: TemplateFrame,
        _ context: TemplateContext,
        _ unit: TemplateUnit,
        _ body: (inout Rendering) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        let before = (self.frame, self.context, self.unit, position)
        (self.frame, self.context, self.unit) = (frame, context, unit)
        let result = try deeper(body)
        (self.frame, self.context, self.unit, position) = before
        return result
    }

    /// Runs `body` and gives what it wrote instead of writing it.
    mutating func capturing(
        _ body: (inout Rendering) throws(TemplateError) -> Void
    ) throws(TemplateError) -> String {
        var outer: [UInt8] = []
        swap(&outer, &output)
        try body(&self)
        swap(&outer, &output)
        return try text(outer)
    }

    /// Remembers what is to be taken apart at the end.
    mutating func keep(_ object: any KeptByRendering) throws(TemplateError) {
        guard kept.count < TemplateLimits.keptObjects else {
            let limit = "more than \(TemplateLimits.keptObjects) namespaces and macros are made"
            throw TemplateError(.limit, limit)
        }
        kept.append(object)
    }

    /// Breaks the cycles that macros and namespaces can make, one object after the other.
    mutating func takeApart() {
        for object in kept { object.takeApart() }
        kept.removeAll()
    }
}

/// What can refer to itself, by way of a value that was put into it.
protocol KeptByRendering: AnyObject {
    func takeApart()
}

/// The slots of one call of a template's root, block, macro or recursive loop.
final class TemplateFrame: KeptByRendering {
    var slots: [Item]
    /// The function around it, whose slots it sees.
    let parent: TemplateFrame?
    /// The template that this one extends, once it has said so.
    var extended: TemplateUnit?
    private var isKept = false

    init(slots: Int, parent: TemplateFrame?) {
        self.slots = Array(repeating: .absent, count: slots)
        self.parent = parent
    }

    func takeApart() { slots.removeAll() }

    /// Has the rendering remember it: a macro refers to it, and it may come to hold the macro.
    func keep(_ rendering: inout Rendering) throws(TemplateError) {
        guard !isKept else { return }
        isKept = true
        try rendering.keep(self)
    }

    /// The frame of the function so many levels around this one.
    func outer(_ levels: Int) -> TemplateFrame {
        var frame = self
        for _ in 0..<levels { frame = frame.parent ?? frame }
        return frame
    }
}

/// The names that a template finds outside its own functions.
final class TemplateContext: KeptByRendering {
    private let values: ValueMap
    /// Where the values are, once there are many.
    private let index: [ItemKey: Int]?
    /// What other templates had when they included this one, the nearest last.
    private let layers: [[String: Item]]
    /// What the template has set itself.
    var variables: [String: Item] = [:]
    /// Which of those an import sees.
    var exported: Set<String> = []
    /// What there is of each block, the template furthest from the base first.
    var blocks: [String: [TemplateFunctionCode]] = [:]
    /// Whether somebody reads `variables`.
    let isRead: Bool

    init(values: ValueMap, isRead: Bool) {
        self.values = values
        self.isRead = isRead
        layers = []
        index =
            values.count <= 16
            ? nil
            : Dictionary(
                values.entries.enumerated().map { (.text(Array($0.element.key.utf8)), $0.offset) },
                uniquingKeysWith: { first, _ in first }
            )
    }

    /// The names of another context, and those of the function that includes.
    init(within outer: TemplateContext, locals: [String: Item]) {
        values = outer.values
        index = outer.index
        layers = outer.layers + [outer.variables, locals].filter { !$0.isEmpty }
        isRead = true
    }

    func takeApart() { variables.removeAll() }

    /// The value of a name, or `.absent`.
    func resolve(_ name: String, _ environment: TemplateEnvironment) -> Item {
        if !variables.isEmpty, let item = variables[name] { return item }
        for layer in layers.reversed() {
            if let item = layer[name] { return item }
        }
        if let index {
            if let place = index[.text(Array(name.utf8))] {
                return Item(values.entries[place].value)
            }
        } else if let value = values[name] {
            return Item(value)
        }
        if let function = environment.options.functions[name] {
            return .object(GivenFunction(name, function))
        }
        return TemplateGlobals.table[name].map { .object(BuiltInFunction(name, $0)) } ?? .absent
    }

    func set(_ name: String, _ item: Item, isExported: Bool) {
        variables[name] = item
        if isExported, !name.hasPrefix("_") { exported.insert(name) }
    }
}
