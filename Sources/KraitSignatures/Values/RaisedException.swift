extension RaisedException {
    /// An exception of a class, by its name.
    package init(_ className: String, _ message: String) {
        self.init(className: className, message: message)
    }
}
