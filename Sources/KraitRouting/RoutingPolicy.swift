/// What the router takes where a call leaves it the choice and there is one.
public enum RoutingPolicy: String, Sendable, Hashable, CaseIterable {
    /// Native code where there is some, otherwise the first pool that offers the operation.
    case preferNative = "prefer-native"
    /// The first pool that offers the operation, otherwise native code.
    case preferPython = "prefer-python"

    func prefers(_ route: Route) -> Bool {
        switch (self, route) {
        case (.preferNative, .native), (.preferPython, .pool): true
        case (.preferNative, .pool), (.preferPython, .native): false
        }
    }
}
