/// What the router takes where a call leaves it the choice and there is one.
public enum RoutingPolicy: String, Sendable, Hashable, CaseIterable {
    /// Native code where there is some, otherwise the first pool that offers the operation.
    case preferNative = "prefer-native"
    /// The first pool that offers the operation, otherwise native code.
    case preferPython = "prefer-python"
    /// The place that has answered the operation fastest so far, the others now and then: see
    /// `FastestRoute`. Before anything is measured, in the order of prefer-native.
    case fastest

    func prefers(_ route: Route) -> Bool {
        switch (self, route) {
        case (.preferNative, .native), (.preferPython, .pool), (.fastest, .native): true
        case (.preferNative, .pool), (.preferPython, .native), (.fastest, .pool): false
        }
    }
}
