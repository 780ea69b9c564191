/// The slots of one function while it is compiled.
final class FunctionSlots {
    /// How many functions are around it.
    let level: Int
    private(set) var count = 0
    private var slots: [Key: Int] = [:]

    /// One name of one scope: scopes beside each other share slots, as only one runs at a time.
    private struct Key: Hashable {
        var space: Int
        var level: Int
        var name: String
    }

    init(within outer: FunctionSlots?) { level = (outer?.level ?? -1) + 1 }

    func slot(_ name: String, level: Int, space: Int) -> Int {
        let key = Key(space: space, level: level, name: name)
        if let slot = slots[key] { return slot }
        count += 1
        slots[key] = count - 1
        return count - 1
    }

    /// A slot that has no name.
    func unnamedSlot() -> Int {
        count += 1
        return count - 1
    }
}

/// The names of a scope and where their values are, with Jinja's rules for what a scope sees.
///
/// Before a scope's statements are compiled they are all looked at: a name that is set anywhere in
/// a scope is the scope's own from its beginning, and starts with what the scope around it has.
final class TemplateScope {
    enum Load {
        case parameter, nothing
        case context(String)
        case outer(Place)
    }

    /// A slot of some function.
    struct Place: Hashable {
        let function: ObjectIdentifier
        let level: Int
        let slot: Int
    }

    let function: FunctionSlots
    let parent: TemplateScope?
    private let level: Int
    private let space: Int
    private var places: [String: Place] = [:]
    private var loads: [Place: Load] = [:]
    private(set) var stored: Set<String> = []

    /// - Parameter space: keeps the slots apart from those of scopes at the same level.
    init(_ function: FunctionSlots, within parent: TemplateScope?, space: Int = 0) {
        (self.function, self.parent, self.space) = (function, parent, space)
        level = (parent?.level ?? -1) + 1
    }

    private init(copying scope: TemplateScope) {
        (function, parent, level, space) = (scope.function, scope.parent, scope.level, scope.space)
        (places, loads, stored) = (scope.places, scope.loads, scope.stored)
    }

    /// Whether the function's own scopes begin here.
    private var isFunction: Bool { parent?.function !== function }

    func place(of name: String) -> Place? { places[name] ?? parent?.place(of: name) }

    /// What the slot begins with, where it is this scope's own.
    func load(at place: Place) -> Load? { loads[place] }

    @discardableResult
    private func define(_ name: String, _ load: Load) -> Place {
        let slot = function.slot(name, level: level, space: space)
        let place = Place(function: ObjectIdentifier(function), level: function.level, slot: slot)
        places[name] = place
        loads[place] = load
        return place
    }

    /// A name that is read: one that nobody has set is looked up once, where the function begins.
    func load(_ name: String) {
        guard place(of: name) == nil else { return }
        var scope = self
        while !scope.isFunction, let outer = scope.parent { scope = outer }
        scope.define(name, .context(name))
    }

    func store(_ name: String) {
        stored.insert(name)
        guard places[name] == nil else { return }
        define(name, parent?.place(of: name).map { .outer($0) } ?? .nothing)
    }

    @discardableResult
    func declare(parameter name: String) -> Place {
        stored.insert(name)
        return define(name, .parameter)
    }

    /// Looks at branches of which one runs at most, each as if the others were not there.
    func branch(_ bodies: [(TemplateScope) -> Void]) {
        let branches = bodies.map { body in
            let copy = TemplateScope(copying: self)
            body(copy)
            return copy
        }
        let new = branches.reduce(into: Set<String>()) { $0.formUnion($1.stored) }
            .subtracting(stored)
        for branch in branches {
            places.merge(branch.places) { $1 }
            loads.merge(branch.loads) { $1 }
            stored.formUnion(branch.stored)
        }
        // What only some of them set has, in the others, the value that was there before.
        for name in new {
            guard let place = place(of: name) else { continue }
            loads[place] = parent?.place(of: name).map { .outer($0) } ?? .context(name)
        }
    }

    /// What is put into the scope's slots when it begins.
    var slotLoads: [SlotLoad] {
        loads.sorted { $0.key.slot < $1.key.slot }.compactMap { place, load in
            switch load {
            case .parameter: nil
            case .nothing: SlotLoad(slot: place.slot, source: .nothing)
            case .context(let name): SlotLoad(slot: place.slot, source: .context(name))
            case .outer(let outer): SlotLoad(slot: place.slot, source: .slot(reference(outer)))
            }
        }
    }

    /// How this scope's function reaches a slot.
    func reference(_ place: Place) -> SlotReference {
        SlotReference(outer: function.level - place.level, slot: place.slot)
    }

    /// All names that were set in this scope and those around it, for templates that are included.
    var locals: [(name: String, slot: SlotReference)] {
        var result: [(name: String, slot: SlotReference)] = []
        var seen: Set<String> = []
        var scope: TemplateScope? = self
        while let current = scope {
            for name in current.stored.sorted() where seen.insert(name).inserted {
                if let place = place(of: name) { result.append((name, reference(place))) }
            }
            scope = current.parent
        }
        return result
    }
}
